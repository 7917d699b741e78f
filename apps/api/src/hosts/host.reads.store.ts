/** Reads of hosts and storage pools. A tenant sees id and name of the hosts that run its machines, and the pools of its volumes. */
import { z } from 'zod';
import type { AccessScope } from '../access/principal.js';
import { ownedBy } from '../access/scope.js';
import type { PageRequest, Slice } from '../graphql/page.js';
import type { Reader } from '../platform/database.js';
import type { Host, Prisma, StoragePool } from '../platform/generated/client.js';

const capabilities = z.array(z.object({ name: z.string(), available: z.boolean(), reason: z.string().nullish() }));

/** A host as this caller may see it: for a tenant everything but id and name is null. */
export type HostRecord = {
  __typename: 'Host';
  id: string;
  name: string;
  clusterId: string | null;
  state: Host['state'] | null;
  lastSeenAt: Date | null;
  agentVersion: string | null;
  libvirtVersion: string | null;
  qemuVersion: string | null;
  capabilities: { name: string; available: boolean; enabled: boolean; reason: string | null }[] | null;
};

/** A storage pool as this caller may see it. */
export type PoolRecord = {
  __typename: 'StoragePool';
  id: string;
  name: string;
  clusterId: string;
  type: StoragePool['type'];
  supportsSnapshots: boolean;
  capacityBytes: number | null;
  availableBytes: number | null;
};

const FILE_BASED: ReadonlySet<StoragePool['type']> = new Set(['LOCAL', 'NFS', 'SHARED_MOUNT_POINT']);

function visibleHosts(scope: AccessScope): Prisma.HostWhereInput {
  return scope.isAdmin ? {} : { machines: { some: ownedBy(scope) } };
}

function visiblePools(scope: AccessScope): Prisma.StoragePoolWhereInput {
  return scope.isAdmin ? {} : { volumes: { some: ownedBy(scope) } };
}

function toHost(row: Host, scope: AccessScope): HostRecord {
  const { id, name } = row;
  if (!scope.isAdmin) {
    const hidden = { clusterId: null, state: null, lastSeenAt: null, agentVersion: null, libvirtVersion: null, qemuVersion: null };
    return { __typename: 'Host', id, name, ...hidden, capabilities: null };
  }
  const { clusterId, state, lastSeenAt, agentVersion, libvirtVersion, qemuVersion } = row;
  const off = new Set(row.disabledCapabilities);
  const can = capabilities.parse(row.capabilities).map((one) => ({
    name: one.name,
    available: one.available,
    enabled: one.available && !off.has(one.name),
    reason: one.reason ?? (off.has(one.name) ? 'An ADMIN has switched it off.' : null),
  }));
  return { __typename: 'Host', id, name, clusterId, state, lastSeenAt, agentVersion, libvirtVersion, qemuVersion, capabilities: can };
}

function toPool(row: StoragePool, scope: AccessScope): PoolRecord {
  const { id, name, clusterId, type } = row;
  const bytes = (amount: bigint | null) => (amount === null || !scope.isAdmin ? null : Number(amount));
  return {
    __typename: 'StoragePool' as const,
    id,
    name,
    clusterId,
    type,
    supportsSnapshots: FILE_BASED.has(type),
    capacityBytes: bytes(row.capacityBytes),
    availableBytes: bytes(row.availableBytes),
  };
}

/** The hosts with these ids that the scope may see, in no order. */
export async function findHosts(reader: Reader, scope: AccessScope, ids: readonly string[]): Promise<HostRecord[]> {
  const rows = await reader.host.findMany({ where: { AND: [{ id: { in: [...ids] } }, visibleHosts(scope)] } });
  return rows.map((row) => toHost(row, scope));
}

/** The pools with these ids that the scope may see, in no order. */
export async function findPools(reader: Reader, scope: AccessScope, ids: readonly string[]): Promise<PoolRecord[]> {
  const rows = await reader.storagePool.findMany({ where: { AND: [{ id: { in: [...ids] } }, visiblePools(scope)] } });
  return rows.map((row) => toPool(row, scope));
}

/** A page of hosts by id, oldest first. */
export async function pageHosts(reader: Reader, scope: AccessScope, page: PageRequest): Promise<Slice<HostRecord>> {
  const where = visibleHosts(scope);
  const rows = await reader.host.findMany({
    where: { AND: [where, page.after === null ? {} : { id: { gt: page.after } }] },
    orderBy: { id: 'asc' },
    take: page.take + 1,
  });
  return { rows: rows.map((row) => toHost(row, scope)), count: () => reader.host.count({ where }) };
}

/** A page of storage pools by id, oldest first. */
export async function pagePools(reader: Reader, scope: AccessScope, page: PageRequest): Promise<Slice<PoolRecord>> {
  const where = visiblePools(scope);
  const rows = await reader.storagePool.findMany({
    where: { AND: [where, page.after === null ? {} : { id: { gt: page.after } }] },
    orderBy: { id: 'asc' },
    take: page.take + 1,
  });
  return { rows: rows.map((row) => toPool(row, scope)), count: () => reader.storagePool.count({ where }) };
}

/** The hosts of these clusters, by name. Clusters are ADMIN's, so whoever has one sees all of it. */
export async function hostsOfClusters(reader: Reader, scope: AccessScope, clusterIds: readonly string[]): Promise<HostRecord[]> {
  const rows = await reader.host.findMany({
    where: { AND: [{ clusterId: { in: [...clusterIds] } }, visibleHosts(scope)] },
    orderBy: { name: 'asc' },
  });
  return rows.map((row) => toHost(row, scope));
}

/** The storage pools of these clusters, by name. */
export async function poolsOfClusters(reader: Reader, scope: AccessScope, clusterIds: readonly string[]): Promise<PoolRecord[]> {
  const rows = await reader.storagePool.findMany({
    where: { AND: [{ clusterId: { in: [...clusterIds] } }, visiblePools(scope)] },
    orderBy: { name: 'asc' },
  });
  return rows.map((row) => toPool(row, scope));
}
