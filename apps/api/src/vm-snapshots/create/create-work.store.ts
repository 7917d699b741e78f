import type { CommandResult } from '@coppice/protocol';
import { assertTransition, VM_SNAPSHOT_LIFECYCLE, type VmSnapshotState } from '@coppice/snapshot-tree';
import { insertTransitions } from '../../events/transition.store.js';
import type { TreeChange } from '../../events/transition.js';
import { numberTreeChanges } from '../../machines/machine.store.js';
import { keepError } from '../../operations/operation.store.js';
import { type OperationError, operationError } from '../../operations/operation-error.js';
import type { Turn } from '../../operations/operation-work.js';
import { moveLayers } from '../../volumes/volume.store.js';
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
      data: { isFrozen: true, allocatedBytes: BigInt(frozen?.frozen.allocatedBytes ?? 0) },
    });
    await transaction.layer.update({
      where: { id: volume.newLayerId },
      data: { state: 'PRESENT', allocatedBytes: BigInt(frozen?.head.allocatedBytes ?? 0) },
    });
    await transaction.volume.update({ where: { id: volume.volumeId }, data: { headLayerId: volume.newLayerId } });
  }
  await transaction.vmSnapshot.update({
    where: { id: record.snapshotId },
    data: { consistency: result.consistency, definition: result.definition },
  });
  await transaction.virtualMachine.update({
    where: { id: machine.id },
    data: { currentSnapshotId: record.snapshotId, headSince: new Date(result.frozenAt) },
  });
  await moveSnapshot(turn, { snapshotId: record.snapshotId, from: 'CREATING', to: 'READY', event: 'finish', reason: null });
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

type Move = { snapshotId: string; from: VmSnapshotState; to: VmSnapshotState; event: string; reason: string | null };

/** State by compare-and-set, the tree's revision under the machine's row lock, then the transition that carries both. */
async function moveSnapshot(turn: Turn, move: Move): Promise<void> {
  const { transaction, machine, operation } = turn;
  assertTransition(VM_SNAPSHOT_LIFECYCLE, { subject: `VM snapshot ${move.snapshotId}`, from: move.from, to: move.to });
  const moved = await transaction.vmSnapshot.updateManyAndReturn({
    where: { id: move.snapshotId, state: move.from },
    data: { state: move.to },
    select: { parentId: true, projectId: true },
  });
  const [snapshot] = moved;
  if (!snapshot) throw new Error(`VM snapshot ${move.snapshotId} was not ${move.from} any more while its machine was locked`);
  const isCurrent = move.to === 'READY';
  const change: Omit<TreeChange, 'revision'> = {
    kind: 'UPDATED',
    snapshotId: move.snapshotId,
    parentId: snapshot.parentId,
    currentId: isCurrent ? move.snapshotId : machine.currentSnapshotId,
  };
  const changes = isCurrent ? [change, { ...change, kind: 'HEAD_MOVED' as const }] : [change];
  await insertTransitions(transaction, [
    {
      projectId: snapshot.projectId,
      virtualMachineId: machine.id,
      subjectType: 'VM_SNAPSHOT',
      subjectId: move.snapshotId,
      from: move.from,
      to: move.to,
      event: move.event,
      reason: move.reason,
      actor: operation.actor,
      operationId: operation.id,
      treeChanges: await numberTreeChanges(transaction, machine.id, changes),
    },
  ]);
}
