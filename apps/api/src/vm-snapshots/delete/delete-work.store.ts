import type { CommandResult } from '@coppice/protocol';
import { insertTransitions } from '../../events/transition.store.js';
import type { TreeChange } from '../../events/transition.js';
import { numberTreeChanges } from '../../machines/machine.store.js';
import { keepError } from '../../operations/operation.store.js';
import type { OperationError } from '../../operations/operation-error.js';
import type { Failed, Turn } from '../../operations/operation-work.js';
import { moveLayers } from '../../volumes/volume.store.js';
import { snapshotIdOf } from '../snapshot-files.js';
import { moveSnapshot } from '../snapshot.store.js';
import type { DeleteRecord, MergeRecord } from './delete-record.js';

type Mover = Parameters<typeof moveSnapshot>[0];

/**
 * The names go: pins, children's parents and the machine's current snapshot, in the transaction that lets the first byte move. Again and
 * again harmless.
 */
export async function consume(mover: Mover, record: DeleteRecord): Promise<void> {
  const { transaction, machine } = mover;
  const doomed = record.doomed.map(({ snapshotId }) => snapshotId);
  await transaction.snapshotDisk.deleteMany({ where: { snapshotId: { in: doomed } } });
  await moveLayers(transaction, layerIds(record.unread), { from: 'PRESENT', to: 'DISCARDING' });
  const isMoved = machine.currentSnapshotId !== null && doomed.includes(machine.currentSnapshotId);
  const currentId = isMoved ? record.currentSnapshotId : machine.currentSnapshotId;
  if (isMoved) await transaction.virtualMachine.update({ where: { id: machine.id }, data: { currentSnapshotId: currentId } });
  const changes = await reparent(mover, record, currentId);
  if (isMoved) changes.push({ kind: 'HEAD_MOVED', snapshotId: currentId, parentId: null, currentId });
  if (changes.length > 0) await tellOfTree(mover, changes);
}

async function reparent({ transaction }: Mover, record: DeleteRecord, currentId: string | null): Promise<Omit<TreeChange, 'revision'>[]> {
  const changes: Omit<TreeChange, 'revision'>[] = [];
  for (const { snapshotId, parentId } of record.reparented) {
    const moved = await transaction.vmSnapshot.updateMany({
      where: { id: snapshotId, OR: [{ parentId: { not: parentId } }, ...(parentId === null ? [] : [{ parentId: null }])] },
      data: { parentId },
    });
    if (moved.count === 1) changes.push({ kind: 'REPARENTED', snapshotId, parentId, currentId });
  }
  return changes;
}

/** The tree changed without a snapshot changing its state: a transition of the machine carries it. */
async function tellOfTree({ transaction, machine, operation }: Mover, changes: readonly Omit<TreeChange, 'revision'>[]): Promise<void> {
  const { projectId, state } = await transaction.virtualMachine.findUniqueOrThrow({
    where: { id: machine.id },
    select: { projectId: true, state: true },
  });
  await insertTransitions(transaction, [
    {
      projectId,
      virtualMachineId: machine.id,
      subjectType: 'VIRTUAL_MACHINE',
      subjectId: machine.id,
      from: state,
      to: state,
      event: 'tree',
      reason: null,
      actor: operation.actor,
      operationId: operation.id,
      treeChanges: await numberTreeChanges(transaction, machine.id, changes),
    },
  ]);
}

/** A running head is at rest under its new, empty one. */
export async function thickened({ transaction }: Turn, merge: MergeRecord): Promise<void> {
  const { thickening, layerIds: run } = merge;
  if (!thickening) throw new Error(`a head was frozen for a merge of ${run.join(', ')}, which needs none`);
  await transaction.layer.update({ where: { id: run.at(-1) ?? '' }, data: { isFrozen: true, dataMap: null, measuredAt: null } });
  await transaction.layer.update({ where: { id: thickening.layerId }, data: { state: 'PRESENT' } });
  await transaction.volume.update({ where: { id: thickening.volumeId }, data: { headLayerId: thickening.layerId } });
}

/** One file shows what the top of the run showed: pins, heads and children of the top are the target's now, the others are garbage. */
export async function merged(
  { transaction, at }: Turn,
  merge: MergeRecord,
  result: Extract<CommandResult, { verb: 'merge-layers' }>,
): Promise<void> {
  const { layerIds: run, targetId, garbage, leavesHead, before } = merge;
  const members = await transaction.layer.findMany({ where: { id: { in: run } } });
  const find = (id: string | undefined) => {
    const found = members.find((layer) => layer.id === id);
    if (!found) throw new Error(`layer ${id ?? 'of no id'} of a merge is not recorded`);
    return found;
  };
  const [bottom, top] = [find(run[0]), find(run.at(-1))];
  const others = members.filter((layer) => layer.id !== targetId);
  const isSpoiled = leavesHead && (before !== 'NONE' || others.some((layer) => layer.mergeState !== 'NONE'));
  await transaction.layer.update({
    where: { id: targetId },
    data: {
      backingLayerId: bottom.backingLayerId,
      virtualBytes: BigInt(result.virtualBytes),
      allocatedBytes: BigInt(result.allocatedBytes),
      dataMap: result.dataMap,
      measuredAt: at,
      isFrozen: top.isFrozen,
      mergeState: isSpoiled ? 'SPOILED' : 'NONE',
      ...(isSpoiled ? {} : { mergedBy: null }),
    },
  });
  if (top.id !== targetId) {
    await transaction.snapshotDisk.updateMany({ where: { layerId: top.id }, data: { layerId: targetId } });
    await transaction.volume.updateMany({ where: { headLayerId: top.id }, data: { headLayerId: targetId } });
    await transaction.layer.updateMany({ where: { backingLayerId: top.id, state: 'PRESENT' }, data: { backingLayerId: targetId } });
  }
  await moveLayers(transaction, layerIds(garbage), { from: 'PRESENT', to: 'DISCARDING' });
}

/** The host said that the files that this command named are gone. */
export async function discarded({ transaction, operation }: Turn, record: DeleteRecord, index: number): Promise<void> {
  const body = operation.program[index]?.body;
  if (body?.verb !== 'discard-layers') throw new Error(`stage ${index} of operation ${operation.id} discards nothing`);
  const named = new Set(body.layers.map((layer) => `${layer.pool}/${layer.fileName}`));
  const garbage = [...record.unread, ...record.merges.flatMap((merge) => merge.garbage)];
  const gone = garbage.filter((layer) => named.has(`${layer.pool}/${layer.fileName}`));
  await moveLayers(transaction, layerIds(gone), { from: 'DISCARDING', to: 'DISCARDED' });
  const snapshotIds = body.snapshotFiles.map((file) => snapshotIdOf(file.fileName));
  await transaction.vmSnapshot.updateMany({ where: { id: { in: snapshotIds } }, data: { filePool: null, hasNvram: false } });
}

/** EXPUNGING → REMOVED, each with its change of the tree. */
export async function removeSnapshots(mover: Mover, record: DeleteRecord): Promise<void> {
  for (const { snapshotId } of record.doomed.toReversed()) {
    await moveSnapshot(mover, { snapshotId, from: 'EXPUNGING', to: 'REMOVED', event: 'finish', reason: null });
  }
}

/** True while the names still hold what they held: no command has gone out. */
export async function isUntouched({ transaction }: Turn, record: DeleteRecord): Promise<boolean> {
  const snapshotIds = record.doomed.map(({ snapshotId }) => snapshotId);
  return (await transaction.snapshotDisk.count({ where: { snapshotId: { in: snapshotIds } } })) > 0;
}

/** Nothing was done yet: the snapshots are what they were before. */
export async function restore(turn: Turn, record: DeleteRecord, failed: Pick<Failed, 'error' | 'isCancelled'>): Promise<void> {
  const { reason, event } = { reason: failed.error.message, event: failed.isCancelled ? 'cancel' : 'fail' };
  for (const { snapshotId, was } of record.doomed) {
    await moveSnapshot(turn, { snapshotId, from: 'EXPUNGING', to: was, event, reason });
  }
}

/** The snapshots have left the tree, and the work on their layers stopped: they say why until deleting goes on. */
export async function fail(turn: Turn, record: DeleteRecord, error: OperationError): Promise<void> {
  for (const { snapshotId } of record.doomed) {
    await turn.transaction.vmSnapshot.update({ where: { id: snapshotId }, data: { error } });
    await moveSnapshot(turn, { snapshotId, from: 'EXPUNGING', to: 'ERROR', event: 'fail', reason: error.message });
  }
  await keepError(turn.transaction, turn.operation.id, error);
}

/** True where it writes into a layer that something else may have been read from before. */
export function isCommit({ layerIds: run, targetId }: MergeRecord): boolean {
  return run.at(-1) !== targetId;
}

/** A commit is about to go out: from its first byte its target reads as nothing, whatever becomes of host, command and this database. */
export async function expectSpoiled({ transaction, operation }: Turn, merge: MergeRecord): Promise<void> {
  await transaction.layer.updateMany({
    where: { id: merge.targetId, mergeState: 'NONE' },
    data: { mergeState: 'SPOILED', mergedBy: operation.id },
  });
}

/** What a merge that did not end made of the layer that it was to end in. */
export async function markTarget(
  { transaction, operation }: Turn,
  merge: MergeRecord,
  left: 'NONE' | 'SPOILED' | 'REPOINTED',
): Promise<void> {
  const data =
    left === 'NONE' ? { mergeState: left, mergedBy: null } : { mergeState: left, mergedBy: operation.id, dataMap: null, measuredAt: null };
  // What was re-pointed stays so until the merge is done, whatever a later try says.
  await transaction.layer.updateMany({ where: { id: merge.targetId, mergeState: { not: 'REPOINTED' } }, data });
}

/** New heads that were never switched to. There may be files of all that were made before the stage that failed, and of that one, unless it `leftNothing`. */
export async function dropHeads(turn: Turn, record: DeleteRecord, failed: { index: number; leftNothing: boolean }): Promise<void> {
  for (const [at, part] of record.parts.entries()) {
    const head = part.does === 'MAKE_HEAD' && part.merge !== null ? record.merges[part.merge]?.thickening?.layerId : undefined;
    if (head === undefined) continue;
    const isMade = at < failed.index || (at === failed.index && !failed.leftNothing);
    await moveLayers(turn.transaction, [head], { from: 'PLANNED', to: isMade ? 'DISCARDING' : 'DISCARDED' });
  }
}

function layerIds(garbage: DeleteRecord['unread']): string[] {
  return garbage.map((layer) => layer.layerId);
}
