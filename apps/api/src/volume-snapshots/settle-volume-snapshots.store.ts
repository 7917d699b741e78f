import { SYSTEM_ACTOR } from '../events/actor-record.js';
import type { MachineRow } from '../machines/machine.store.js';
import type { OperationError } from '../operations/operation-error.js';
import type { Transaction } from '../platform/database.js';
import { moveVolumeSnapshot } from './volume-snapshot.store.js';

/** Volume snapshots of a locked machine that nothing works on any more: half a copy, or half a removal, is an ERROR that can be deleted. */
export async function settleVolumeSnapshots(transaction: Transaction, machine: MachineRow, error: OperationError): Promise<void> {
  const stuck = await transaction.volumeSnapshot.findMany({
    where: { virtualMachineId: machine.id, state: { in: ['ALLOCATED', 'CREATING', 'DESTROYING'] } },
    select: { id: true, state: true },
    orderBy: { id: 'asc' },
  });
  for (const { id, state: from } of stuck) {
    await transaction.volumeSnapshot.update({ where: { id }, data: { error } });
    const mover = { transaction, operation: { id: null, actor: SYSTEM_ACTOR } };
    await moveVolumeSnapshot(mover, { id, from, to: 'ERROR', event: 'settle', reason: error.message });
  }
}
