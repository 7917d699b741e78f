import type { ActorRecord } from '../access/principal.js';
import { insertTransitions } from '../events/transition.store.js';
import type { Cluster, Host, HostState, StoragePool, Zone } from '../platform/generated/client.js';
import type { Reader, Transaction } from '../platform/database.js';

export type { Cluster as ClusterRow, Host as HostRow, Zone as ZoneRow };

/** Hosts by id, in no order; ids that are not there are left out. */
export async function findHosts(reader: Reader, ids: readonly string[]): Promise<Host[]> {
  return reader.host.findMany({ where: { id: { in: [...ids] } } });
}

/** A page in order of id; `after` is the id of the last one seen. */
export async function pageHosts(reader: Reader, page: { clusterId: string | null; after: string | null; first: number }): Promise<Host[]> {
  return reader.host.findMany({
    where: {
      ...(page.clusterId === null ? {} : { clusterId: page.clusterId }),
      ...(page.after === null ? {} : { id: { gt: page.after } }),
    },
    orderBy: { id: 'asc' },
    take: page.first,
  });
}

/** How many there are. */
export async function countHosts(reader: Reader, clusterId: string | null): Promise<number> {
  return reader.host.count({ where: clusterId === null ? {} : { clusterId } });
}

/** Clusters by id. */
export async function findClusters(reader: Reader, ids: readonly string[]): Promise<Cluster[]> {
  return reader.cluster.findMany({ where: { id: { in: [...ids] } } });
}

/** Clusters of these zones, in order of name. */
export async function clustersOfZones(reader: Reader, zoneIds: readonly string[]): Promise<Cluster[]> {
  return reader.cluster.findMany({ where: { zoneId: { in: [...zoneIds] } }, orderBy: { name: 'asc' } });
}

/** Zones by id. */
export async function findZones(reader: Reader, ids: readonly string[]): Promise<Zone[]> {
  return reader.zone.findMany({ where: { id: { in: [...ids] } } });
}

/** Storage pools of these clusters, in order of name. */
export async function poolsOfClusters(reader: Reader, clusterIds: readonly string[]): Promise<StoragePool[]> {
  return reader.storagePool.findMany({ where: { clusterId: { in: [...clusterIds] } }, orderBy: { name: 'asc' } });
}

/** Locks the host's row and answers it; null when there is none. Before its machines' rows (order of locks). */
export async function lockHost(transaction: Transaction, hostId: string): Promise<Host | null> {
  await transaction.$queryRaw`SELECT id FROM host WHERE id = ${hostId}::uuid FOR NO KEY UPDATE`;
  return transaction.host.findUnique({ where: { id: hostId } });
}

/** Moves a locked host to another state, with its transition; nothing where it is there already. */
export async function moveHost(
  transaction: Transaction,
  host: Host,
  move: { to: HostState; event: string; reason: string | null; actor: ActorRecord },
): Promise<void> {
  if (host.state === move.to) return;
  await transaction.host.update({ where: { id: host.id }, data: { state: move.to } });
  await insertTransitions(transaction, [
    {
      projectId: null,
      virtualMachineId: null,
      subjectType: 'HOST',
      subjectId: host.id,
      from: host.state,
      to: move.to,
      event: move.event,
      reason: move.reason,
      actor: move.actor,
      operationId: null,
      treeChanges: [],
    },
  ]);
}
