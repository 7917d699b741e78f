import { lockHost } from '../hosts/host.store.js';
import { type CommandRow, markSent, nextCommandOf } from '../operations/command.store.js';
import type { OperationEngine } from '../operations/operation-engine.js';
import type { Transaction } from '../platform/database.js';

/** What there is to send: `fenced` means that the host's row names another session, so this one is over. */
type Taken = { kind: 'none' } | { kind: 'fenced' } | { kind: 'expired'; commandId: string } | { kind: 'taken'; command: CommandRow };

/** Which session asks, what it was given already, and how many it may have running. */
export type Taking = {
  engine: OperationEngine;
  session: { hostId: string; epoch: bigint; replicaId: string };
  given: readonly string[];
  limit: number;
  at: Date;
};

/**
 * Marks the next command SENT and answers it, after the host's locked row has said that this replica and epoch hold the host. A replica
 * that slept through its host's next session finds out here, whatever it still believes. Send it only after the commit.
 */
export async function takeCommand(transaction: Transaction, taking: Taking): Promise<Taken> {
  const { hostId, epoch, replicaId } = taking.session;
  const host = await lockHost(transaction, hostId);
  if (!host || host.sessionEpoch !== epoch || host.sessionReplicaId !== replicaId || host.state === 'REVOKED') return { kind: 'fenced' };
  const command = await nextCommandOf(transaction, { hostId, given: taking.given, limit: taking.limit });
  if (!command) return { kind: 'none' };
  if (command.state === 'PENDING' && command.expiresAt < taking.at) return { kind: 'expired', commandId: command.id };
  await taking.engine.begin(transaction, command, taking.at);
  return (await markSent(transaction, command.id, { epoch, at: taking.at })) ? { kind: 'taken', command } : { kind: 'none' };
}
