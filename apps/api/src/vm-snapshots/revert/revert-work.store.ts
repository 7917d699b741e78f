import type { CommandResult } from '@coppice/protocol';
import { keepError } from '../../operations/operation.store.js';
import { type OperationError, operationError } from '../../operations/operation-error.js';
import type { Turn } from '../../operations/operation-work.js';
import { moveLayers } from '../../volumes/volume.store.js';
import { moveSnapshot } from '../snapshot.store.js';
import type { RevertRecord } from './revert-record.js';

type ResultOf<V extends CommandResult['verb']> = Extract<CommandResult, { verb: V }>;

/** The first command goes out: the safety snapshot ALLOCATED → CREATING; nothing where it is past that, or there is none. */
export async function beginReverting(turn: Turn, { safetySnapshotId }: RevertRecord): Promise<void> {
  if (safetySnapshotId === null) return;
  const { state } = await turn.transaction.vmSnapshot.findUniqueOrThrow({ where: { id: safetySnapshotId }, select: { state: true } });
  if (state !== 'ALLOCATED') return;
  await moveSnapshot(turn, { snapshotId: safetySnapshotId, from: 'ALLOCATED', to: 'CREATING', event: 'dispatch', reason: null });
}

/** The empty layers are files now, which nothing reads yet: only their size is noted. */
export async function madeLayers(turn: Turn, record: RevertRecord, { layers }: ResultOf<'create-layers'>): Promise<void> {
  for (const { volumeId, newLayerId } of record.volumes) {
    const made = layers.find((layer) => layer.volumeId === volumeId);
    await turn.transaction.layer.update({ where: { id: newLayerId }, data: { allocatedBytes: BigInt(made?.allocatedBytes ?? 0) } });
  }
}

/** The machine is on its new heads: layers, volumes, machine, both snapshots and their transitions, as one. */
export async function commitSwitch(turn: Turn, record: RevertRecord, result: ResultOf<'switch-heads'>): Promise<void> {
  const { transaction, machine } = turn;
  await commitHeads(turn, record, result);
  await transaction.layer.updateMany({
    where: { id: { in: record.frozenLayerIds } },
    data: { isFrozen: true, dataMap: null, measuredAt: null },
  });
  await moveLayers(transaction, abandonedLayers(record), { from: 'PRESENT', to: 'DISCARDING' });
  const { safetySnapshotId, snapshotId } = record;
  if (safetySnapshotId !== null) {
    const definition = { ...result.definitionBefore, isSubset: false };
    await transaction.vmSnapshot.update({ where: { id: safetySnapshotId }, data: { definition } });
    await moveSnapshot(turn, { snapshotId: safetySnapshotId, from: 'CREATING', to: 'READY', event: 'finish', reason: null });
  }
  const { vcpus, memoryBytes } = result.definition;
  await transaction.virtualMachine.update({
    where: { id: machine.id },
    data: {
      vcpus,
      memoryBytes: BigInt(memoryBytes),
      powerState: result.power,
      currentSnapshotId: snapshotId,
      headSince: new Date(result.switchedAt),
    },
  });
  await moveSnapshot(turn, { snapshotId, from: 'REVERTING', to: 'READY', event: 'finish', reason: null, isNowCurrent: true });
}

/** A disk that is detached belongs to no machine any more: it is kept in its project, with its head and its layers, and can be attached anywhere. */
async function commitHeads({ transaction, machine }: Turn, record: RevertRecord, result: ResultOf<'switch-heads'>): Promise<void> {
  for (const volumeId of record.detaches) {
    await transaction.volume.update({ where: { id: volumeId }, data: { virtualMachineId: null, target: null } });
  }
  for (const { volumeId, target, newLayerId } of record.volumes) {
    const seen = result.volumes.find((volume) => volume.volumeId === volumeId);
    const size = seen ? { allocatedBytes: BigInt(seen.allocatedBytes) } : {};
    const layer = await transaction.layer.update({ where: { id: newLayerId }, data: { state: 'PRESENT', ...size } });
    await transaction.volume.update({
      where: { id: volumeId },
      data: { headLayerId: newLayerId, virtualBytes: layer.virtualBytes, virtualMachineId: target === null ? null : machine.id, target },
    });
  }
}

/** The host said that the abandoned layers' files are gone. */
export async function discardedAbandoned(turn: Turn, record: RevertRecord): Promise<void> {
  await moveLayers(turn.transaction, abandonedLayers(record), { from: 'DISCARDING', to: 'DISCARDED' });
}

/** How reverting failed; `layersBecome` null: nobody knows what reads the files, so they stay PLANNED and are touched by nothing. */
type FailedReverting = { record: RevertRecord; error: OperationError; layersBecome: 'DISCARDING' | 'DISCARDED' | null };

/** The machine is what it was: the snapshot is READY again, the safety snapshot in ERROR and pins nothing; new layers are garbage. */
export async function failReverting(turn: Turn, { record, error, layersBecome }: FailedReverting): Promise<void> {
  const { snapshotId, safetySnapshotId } = record;
  if (safetySnapshotId !== null) await failSafetySnapshot(turn, safetySnapshotId, error);
  if (layersBecome) await moveLayers(turn.transaction, newLayers(record), { from: 'PLANNED', to: layersBecome });
  await moveSnapshot(turn, { snapshotId, from: 'REVERTING', to: 'READY', event: 'fail', reason: error.message });
  await keepError(turn.transaction, turn.operation.id, error);
}

async function failSafetySnapshot(turn: Turn, snapshotId: string, error: OperationError): Promise<void> {
  const { state } = await turn.transaction.vmSnapshot.findUniqueOrThrow({ where: { id: snapshotId }, select: { state: true } });
  await turn.transaction.snapshotDisk.deleteMany({ where: { snapshotId } });
  await turn.transaction.vmSnapshot.update({ where: { id: snapshotId }, data: { error } });
  await moveSnapshot(turn, { snapshotId, from: state, to: 'ERROR', event: 'fail', reason: error.message });
}

/** As failReverting, of one that may be past that; its layers stay as they are recorded. */
export async function abandonReverting(turn: Turn, { record, error }: { record: RevertRecord; error: OperationError }): Promise<void> {
  const { state } = await turn.transaction.vmSnapshot.findUniqueOrThrow({ where: { id: record.snapshotId }, select: { state: true } });
  if (state === 'REVERTING') await failReverting(turn, { record, error, layersBecome: null });
}

/** The host said that the new layers' files are gone. */
export async function discardedNewLayers(turn: Turn, record: RevertRecord): Promise<void> {
  await moveLayers(turn.transaction, newLayers(record), { from: 'DISCARDING', to: 'DISCARDED' });
}

/** Why the operation is going to fail, as it was kept when it first did. */
export function rememberedError(turn: Turn): OperationError {
  return operationError.parse(turn.operation.error);
}

function newLayers(record: RevertRecord): string[] {
  return record.volumes.map((volume) => volume.newLayerId);
}

function abandonedLayers(record: RevertRecord): string[] {
  return record.abandoned.map((layer) => layer.layerId);
}
