import type { ActorRecord } from '../access/principal.js';
import { insertTransitions } from '../events/transition.store.js';
import type { Host, HostState } from '../platform/generated/client.js';
import type { Transaction } from '../platform/database.js';

export type { Host as HostRow, HostState };

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
