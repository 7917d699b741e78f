import type { AgentMessage } from '@coppice/protocol';
import type { StoragePool } from '../platform/generated/client.js';
import type { Reader, Transaction } from '../platform/database.js';
import { newId } from '../platform/ids.js';

type PoolSeen = Extract<AgentMessage, { type: 'inventory.pools-seen' }>['pools'][number];

/** The pool that a host calls by this name: its own LOCAL one, or the one that its cluster shares; null where it is not recorded. */
export async function findPoolOfHost(reader: Reader, host: { id: string; clusterId: string }, name: string): Promise<StoragePool | null> {
  return reader.storagePool.findFirst({
    where: { name, OR: [{ hostId: host.id }, { hostId: null, clusterId: host.clusterId }] },
    orderBy: { hostId: { sort: 'asc', nulls: 'last' } },
  });
}

/** Records the pools that a host has; answers whether one of them was not known before. A pool that is gone stays: volumes lie in it. */
export async function recordPools(transaction: Transaction, from: { hostId: string }, pools: readonly PoolSeen[]): Promise<boolean> {
  const host = await transaction.host.findUniqueOrThrow({ where: { id: from.hostId }, select: { id: true, clusterId: true } });
  let areNew = false;
  for (const pool of pools) {
    const capacityBytes = pool.capacityBytes === null ? null : BigInt(pool.capacityBytes);
    const availableBytes = pool.availableBytes === null ? null : BigInt(pool.availableBytes);
    const known = await findPoolOfHost(transaction, host, pool.name);
    if (known) {
      if (known.capacityBytes === capacityBytes && known.availableBytes === availableBytes) continue;
      await transaction.storagePool.update({ where: { id: known.id }, data: { capacityBytes, availableBytes } });
      continue;
    }
    // Two hosts of a cluster may bring the same shared pool at once: the unique index lets one of them in.
    const hostId = pool.type === 'LOCAL' ? host.id : null;
    const { name, type } = pool;
    await transaction.storagePool.createMany({
      data: [{ id: newId(), name, type, clusterId: host.clusterId, hostId, capacityBytes, availableBytes }],
      skipDuplicates: true,
    });
    areNew = true;
  }
  return areNew;
}
