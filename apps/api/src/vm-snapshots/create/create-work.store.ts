import type { CommandResult } from '@coppice/protocol';
import { keepError } from '../../operations/operation.store.js';
import { type OperationError, operationError } from '../../operations/operation-error.js';
import type { Turn } from '../../operations/operation-work.js';
import { moveLayers } from '../../volumes/volume.store.js';
import { moveSnapshot } from '../snapshot.store.js';
import type { CreateRecord } from './create-record.js';

/** The first command goes out: ALLOCATED → CREATING; nothing where it is past that. */
export async function beginCreating(turn: Turn, record: CreateRecord): Promise<void> {
  const snapshot = await turn.transaction.vmSnapshot.findUniqueOrThrow({ where: { id: record.snapshotId } });
  if (snapshot.state !== 'ALLOCATED') return;
  await moveSnapshot(turn, { snapshotId: record.snapshotId, from: 'ALLOCATED', to: 'CREATING', event: 'dispatch', reason: null });
}

/** Heads are switched: layers, heads, snapshot, current and their transitions, in the transaction that records the host's answer. */
export async function commitReady(
  turn: Turn,
  record: CreateRecord,
  result: Extract<CommandResult, { verb: 'freeze-layers' }>,
): Promise<void> {
  const { transaction, machine } = turn;
  for (const volume of record.volumes) {
    const frozen = result.volumes.find((candidate) => candidate.volumeId === volume.volumeId);
    await transaction.layer.update({
      where: { id: volume.frozenLayerId },
      data: { isFrozen: true, dataMap: null, measuredAt: null, allocatedBytes: BigInt(frozen?.frozen.allocatedBytes ?? 0) },
    });
    await transaction.layer.update({
      where: { id: volume.newLayerId },
      data: { state: 'PRESENT', allocatedBytes: BigInt(frozen?.head.allocatedBytes ?? 0) },
    });
    await transaction.volume.update({ where: { id: volume.volumeId }, data: { headLayerId: volume.newLayerId } });
  }
  await transaction.vmSnapshot.update({
    where: { id: record.snapshotId },
    data: {
      consistency: result.consistency,
      definition: { ...result.definition, isSubset: record.isSubset },
      memoryBytes: result.memoryBytes === null ? null : BigInt(result.memoryBytes),
      hasNvram: result.hasNvram,
      filePool: record.memory?.pool ?? (result.hasNvram ? (record.nvram?.pool ?? null) : null),
    },
  });
  await transaction.virtualMachine.update({
    where: { id: machine.id },
    data: { currentSnapshotId: record.snapshotId, headSince: new Date(result.frozenAt) },
  });
  const { snapshotId } = record;
  await moveSnapshot(turn, { snapshotId, from: 'CREATING', to: 'READY', event: 'finish', reason: null, isNowCurrent: true });
}

/** How creating failed; `layersBecome` null: nobody knows what became of the files, so they stay PLANNED and are touched by nothing. */
type FailedCreating = { record: CreateRecord; error: OperationError; layersBecome: 'DISCARDING' | 'DISCARDED' | null };

/** Nothing was frozen: the snapshot is in ERROR and pins nothing; its new layers are garbage, or were never files. */
export async function failCreating(turn: Turn, failed: FailedCreating): Promise<void> {
  const { record, error, layersBecome } = failed;
  const { state } = await turn.transaction.vmSnapshot.findUniqueOrThrow({ where: { id: record.snapshotId }, select: { state: true } });
  await turn.transaction.snapshotDisk.deleteMany({ where: { snapshotId: record.snapshotId } });
  await turn.transaction.vmSnapshot.update({ where: { id: record.snapshotId }, data: { error } });
  if (layersBecome) await moveLayers(turn.transaction, newLayers(record), { from: 'PLANNED', to: layersBecome });
  await moveSnapshot(turn, { snapshotId: record.snapshotId, from: state, to: 'ERROR', event: 'fail', reason: error.message });
  await keepError(turn.transaction, turn.operation.id, error);
}

/** As failCreating, of a snapshot that may be in ERROR already; its layers stay as they are recorded. */
export async function abandonCreating(turn: Turn, failed: { record: CreateRecord; error: OperationError }): Promise<void> {
  const snapshot = await turn.transaction.vmSnapshot.findUniqueOrThrow({ where: { id: failed.record.snapshotId } });
  if (snapshot.state === 'ALLOCATED' || snapshot.state === 'CREATING') await failCreating(turn, { ...failed, layersBecome: null });
}

/** The host said that the new layers' files are gone. */
export async function discardedNewLayers(turn: Turn, record: CreateRecord): Promise<void> {
  await moveLayers(turn.transaction, newLayers(record), { from: 'DISCARDING', to: 'DISCARDED' });
}

/** Why the operation is going to fail, as it was kept when it first did. */
export function rememberedError(turn: Turn): OperationError {
  return operationError.parse(turn.operation.error);
}

function newLayers(record: CreateRecord): string[] {
  return record.volumes.map((volume) => volume.newLayerId);
}
