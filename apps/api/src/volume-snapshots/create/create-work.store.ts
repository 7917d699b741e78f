import type { CommandResult } from '@coppice/protocol';
import { keepError } from '../../operations/operation.store.js';
import { type OperationError, operationError } from '../../operations/operation-error.js';
import type { Turn } from '../../operations/operation-work.js';
import { moveLayers } from '../../volumes/volume.store.js';
import { findVolumeSnapshotRow, moveVolumeSnapshot } from '../volume-snapshot.store.js';
import type { CreateRecord } from './create-record.js';

/** The first command goes out: ALLOCATED → CREATING; nothing where it is past that. */
export async function beginCreating(turn: Turn, { volumeSnapshotId: id }: CreateRecord): Promise<void> {
  const snapshot = await findVolumeSnapshotRow(turn.transaction, id);
  if (snapshot?.state === 'ALLOCATED')
    await moveVolumeSnapshot(turn, { id, from: 'ALLOCATED', to: 'CREATING', event: 'dispatch', reason: null });
}

/** The machine writes its new head, and what the volume snapshot is to show is frozen: this was its moment. */
export async function frozen(turn: Turn, record: CreateRecord, result: Extract<CommandResult, { verb: 'freeze-layers' }>): Promise<void> {
  const { transaction } = turn;
  const { freeze, volumeId, volumeSnapshotId } = record;
  const [switched] = result.volumes;
  if (!freeze || switched?.head.fileName !== freeze.newFileName || switched.frozen.fileName !== record.chain[0]?.fileName)
    throw new Error(`operation ${turn.operation.id} froze ${switched?.frozen.fileName ?? 'nothing'}, which is not what was planned`);
  await transaction.layer.update({
    where: { id: freeze.frozenLayerId },
    data: { isFrozen: true, dataMap: null, measuredAt: null, allocatedBytes: BigInt(switched.frozen.allocatedBytes) },
  });
  const allocatedBytes = BigInt(switched.head.allocatedBytes);
  await transaction.layer.update({ where: { id: freeze.newLayerId }, data: { state: 'PRESENT', allocatedBytes } });
  await transaction.volume.update({ where: { id: volumeId }, data: { headLayerId: freeze.newLayerId } });
  await transaction.volumeSnapshot.update({ where: { id: volumeSnapshotId }, data: { consistency: result.consistency } });
}

/** The file is there, durable, and has its checksum. */
export async function copied(
  turn: Turn,
  { volumeSnapshotId: id }: CreateRecord,
  result: Extract<CommandResult, { verb: 'copy-layer' }>,
): Promise<void> {
  const { virtualBytes, allocatedBytes, sha256: checksum } = result;
  const data = { virtualBytes: BigInt(virtualBytes), physicalBytes: BigInt(allocatedBytes), checksum };
  await turn.transaction.volumeSnapshot.update({ where: { id }, data });
  await moveVolumeSnapshot(turn, { id, from: 'CREATING', to: 'CREATED_ON_PRIMARY', event: 'finish', reason: null });
}

/** Into ERROR, from wherever it is; nothing where it is there. */
export async function failCreating(turn: Turn, { volumeSnapshotId: id }: CreateRecord, error: OperationError): Promise<void> {
  const snapshot = await findVolumeSnapshotRow(turn.transaction, id);
  if (snapshot?.state !== 'ALLOCATED' && snapshot?.state !== 'CREATING') return;
  await turn.transaction.volumeSnapshot.update({ where: { id }, data: { error } });
  await moveVolumeSnapshot(turn, { id, from: snapshot.state, to: 'ERROR', event: 'fail', reason: error.message });
  await keepError(turn.transaction, turn.operation.id, error);
}

/** What becomes of the new layer that no machine writes. */
export async function newLayerBecomes(turn: Turn, { freeze }: CreateRecord, to: 'DISCARDING' | 'DISCARDED'): Promise<void> {
  if (freeze) await moveLayers(turn.transaction, [freeze.newLayerId], { from: to === 'DISCARDED' ? 'DISCARDING' : 'PLANNED', to });
}

/** Why the operation is going to fail, as it was kept when it first did. */
export function rememberedError(turn: Turn): OperationError {
  return operationError.parse(turn.operation.error);
}
