import { SYSTEM_ACTOR } from '../events/actor-record.js';
import type { Reader, Transaction } from '../platform/database.js';
import { lockHost, moveHost } from './host.store.js';

/** The name of the advisory lock that a living replica holds on its listening connection. */
export function replicaLock(replicaId: string): string {
  return `coppice.replica:${replicaId}`;
}

/** A session of this epoch is over: UP → DISCONNECTED; nothing where a newer session has the host. */
export async function markDisconnected(
  transaction: Transaction,
  lost: { hostId: string; epoch: bigint; reason: string; at: Date },
): Promise<void> {
  const host = await lockHost(transaction, lost.hostId);
  if (!host || host.sessionEpoch !== lost.epoch) return;
  // A host in maintenance stays there, and nobody holds it: what it is afterwards follows from that.
  if (host.state === 'MAINTENANCE') await transaction.host.update({ where: { id: host.id }, data: { sessionReplicaId: null } });
  if (host.state !== 'UP') return;
  await transaction.host.update({ where: { id: host.id }, data: { lastSeenAt: lost.at } });
  await moveHost(transaction, host, { to: 'DISCONNECTED', event: 'disconnect', reason: lost.reason, actor: SYSTEM_ACTOR });
}

/** A session of this epoch lives, though others took its replica for dead: DISCONNECTED → UP. */
export async function markConnected(transaction: Transaction, found: { hostId: string; epoch: bigint; at: Date }): Promise<void> {
  const host = await lockHost(transaction, found.hostId);
  if (!host || host.sessionEpoch !== found.epoch || host.state !== 'DISCONNECTED') return;
  await transaction.host.update({ where: { id: host.id }, data: { lastSeenAt: found.at } });
  await moveHost(transaction, host, { to: 'UP', event: 'connect', reason: null, actor: SYSTEM_ACTOR });
}

/** Writes when these hosts were last heard of; one statement, decides nothing. */
export async function touchHosts(reader: Reader, hostIds: readonly string[], at: Date): Promise<void> {
  await reader.host.updateMany({ where: { id: { in: [...hostIds] } }, data: { lastSeenAt: at } });
}

/** Hosts that are UP in a session of a replica that does not live any more, with their epochs. */
export async function hostsOfDeadReplicas(reader: Reader, ownReplicaId: string): Promise<{ hostId: string; epoch: bigint }[]> {
  const replicas = await reader.host.findMany({
    where: { state: 'UP', sessionReplicaId: { not: ownReplicaId } },
    select: { sessionReplicaId: true },
    distinct: ['sessionReplicaId'],
  });
  const dead: string[] = [];
  for (const { sessionReplicaId } of replicas) {
    if (sessionReplicaId === null) continue;
    // Whoever gets this lock, if only for a moment, has proved that its owner's connection is gone.
    const [free] = await reader.$queryRaw<{ free: boolean }[]>`
      SELECT pg_try_advisory_xact_lock(hashtextextended(${replicaLock(sessionReplicaId)}, 0)) AS free`;
    if (free?.free) dead.push(sessionReplicaId);
  }
  const hosts = await reader.host.findMany({
    where: { state: 'UP', sessionReplicaId: { in: dead } },
    select: { id: true, sessionEpoch: true },
  });
  return hosts.map((host) => ({ hostId: host.id, epoch: host.sessionEpoch }));
}
