import type { OperationError } from '../../operations/operation-error.js';
import type { Turn } from '../../operations/operation-work.js';
import { Prisma } from '../../platform/generated/client.js';
import { findVolumeSnapshotRow, moveVolumeSnapshot, type VolumeSnapshotRow } from '../volume-snapshot.store.js';

type Mover = Parameters<typeof moveVolumeSnapshot>[0];

/** On its way out, from what it was. */
export async function startRemoving(mover: Mover, { id, state: from }: Pick<VolumeSnapshotRow, 'id' | 'state'>): Promise<void> {
  await mover.transaction.volumeSnapshot.update({ where: { id }, data: { operationId: mover.operation.id } });
  await moveVolumeSnapshot(mover, { id, from, to: 'DESTROYING', event: 'delete', reason: null });
}

/** The host said that the file is gone. */
export async function removed(turn: Turn, id: string): Promise<void> {
  await turn.transaction.volumeSnapshot.update({ where: { id }, data: { physicalBytes: 0n, error: Prisma.DbNull } });
  await moveVolumeSnapshot(turn, { id, from: 'DESTROYING', to: 'DESTROYED', event: 'finish', reason: null });
}

/** Its file may still be there: in ERROR, until it is deleted again. */
export async function stays(turn: Turn, id: string, error: OperationError): Promise<void> {
  const snapshot = await findVolumeSnapshotRow(turn.transaction, id);
  if (snapshot?.state !== 'DESTROYING') return;
  await turn.transaction.volumeSnapshot.update({ where: { id }, data: { error } });
  await moveVolumeSnapshot(turn, { id, from: 'DESTROYING', to: 'ERROR', event: 'fail', reason: error.message });
}
