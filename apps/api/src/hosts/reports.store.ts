import type { Transaction } from '../platform/database.js';

/** Everything that the host's journal holds up to this position is recorded; the position only grows. The host's row is locked. */
export async function acknowledge(transaction: Transaction, hostId: string, position: bigint): Promise<void> {
  await transaction.host.updateMany({
    where: { id: hostId, acknowledgedPosition: { lt: position } },
    data: { acknowledgedPosition: position },
  });
}
