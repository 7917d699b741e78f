/**
 * The commands of a delete, from its plan: for each merge the two that put a new head over a running one (where it is needed) and the merge
 * itself, each against the chains as the ones before it leave them; at the end one that removes the files.
 */
import type { CommandBody } from '@coppice/protocol';
import {
  applyMerge,
  applyThicken,
  type DeletePlan,
  type ForestRecord,
  LayerForest,
  type Merge,
  type MachineHead,
} from '@coppice/snapshot-tree';
import { namedVolume } from '../../machines/layer-names.js';
import { linkOf, type MachineFacts, poolNameOf } from '../../machines/machine-facts.store.js';
import type { Stage } from '../../operations/program.js';
import { newId } from '../../platform/ids.js';
import type { SnapshotFacts } from '../../machines/machine-facts.store.js';
import { memoryFileName, nvramFileName } from '../snapshot-files.js';
import type { DeleteRecord, MergeRecord } from './delete-record.js';

type Forest = ForestRecord<MachineHead>;
type Planned = { record: DeleteRecord; program: Stage[] };
type Part = DeleteRecord['parts'][number];

/** A command in the making: `stepCount` of the plan's steps, those after the ones before it, are what it does. */
type Draft = { part: Part; body: CommandBody; stepCount: number; phase: string };

/** The program of a plan, with what its turning points need. Ids of new layers are made here. */
export function programOf(plan: DeletePlan, facts: MachineFacts): Planned {
  const drafts: Draft[] = [];
  const merges: MergeRecord[] = [];
  let forest = forestBefore(plan, facts);
  for (const [index, planned] of plan.merges.entries()) {
    const made = draftMerge(forest, planned, { index, facts });
    drafts.push(...made.drafts);
    merges.push(made.merge);
    forest = made.after;
  }
  const unread = unreadOf(plan, facts);
  const snapshotFiles = [...snapshotFilesOf(plan, facts.snapshots), ...facts.garbageFiles];
  const layers = [...unread, ...merges.flatMap((merge) => merge.garbage)];
  const left = plan.plan.steps.length - drafts.reduce((sum, { stepCount }) => sum + stepCount, 0);
  for (const [index, body] of discardBodies(facts.machine.domainUuid, layers, snapshotFiles).entries()) {
    drafts.push({ part: { does: 'DISCARD', merge: null }, body, stepCount: index === 0 ? left : 0, phase: 'Removing files' });
  }
  const record: DeleteRecord = {
    doomed: plan.doomed.map((snapshotId) => ({ snapshotId, was: stateOf(facts, snapshotId) })),
    reparented: plan.reparented,
    currentSnapshotId: plan.currentSnapshotId,
    unread,
    merges,
    parts: drafts.map(({ part }) => part),
    snapshotFiles,
  };
  return { record, program: numbered(drafts) };
}

function numbered(drafts: readonly Draft[]): Stage[] {
  let position = 0;
  return drafts.map(({ body, stepCount, phase }) => ({ body, phase, steps: Array.from({ length: stepCount }, () => position++) }));
}

/** The commands of one merge, after those that put its head at rest, where that is needed; and the forest that they leave. */
function draftMerge(forest: Forest, planned: Merge, { index, facts }: { index: number; facts: MachineFacts }) {
  const thickening = thickeningOf(planned);
  const before = thickening === null ? forest : applyThicken(forest, planned, thickening.layerId);
  const merging: Draft = {
    part: { does: 'MERGE', merge: index },
    body: mergeBody(before, planned, facts),
    stepCount: stepsOfMerge(planned),
    phase: 'Merging layers',
  };
  return {
    drafts: [...(thickening === null ? [] : draftThickening(newHeadOf(forest, planned, facts), { index, facts })), merging],
    merge: { ...mergeRecordOf(before, planned, facts), thickening },
    after: applyMerge(before, planned),
  };
}

/** An empty layer, and the head that a running machine writes frozen under it: without a snapshot. */
function draftThickening(head: ReturnType<typeof newHeadOf>, { index, facts }: { index: number; facts: MachineFacts }): Draft[] {
  const machineUuid = facts.machine.domainUuid;
  const { virtualBytes: _, ...frozen } = head;
  return [
    {
      part: { does: 'MAKE_HEAD', merge: index },
      body: { verb: 'create-layers', machineUuid, volumes: [{ ...head, over: 'HEAD' }] },
      stepCount: 1,
      phase: 'Making an empty head',
    },
    {
      part: { does: 'FREEZE_HEAD', merge: index },
      body: { verb: 'freeze-layers', machineUuid, power: powerOf(facts), quiesce: null, memory: null, nvram: null, volumes: [frozen] },
      stepCount: 1,
      phase: 'Putting the head at rest',
    },
  ];
}

/** Most layers, and most files of snapshots, that one discard-layers names (protocol). */
const LAYERS_AT_ONCE = 256;
const FILES_AT_ONCE = 1024;

/** Removes files of these layers and snapshots: in as many commands as it takes, those over others first. */
function discardBodies(machineUuid: string, layers: DeleteRecord['unread'], snapshotFiles: DeleteRecord['snapshotFiles']): CommandBody[] {
  const named = layers.map(({ volumeId, pool, fileName }) => ({ volumeId: namedVolume({ volumeId, fileName }), pool, fileName }));
  const count = Math.ceil(Math.max(named.length / LAYERS_AT_ONCE, snapshotFiles.length / FILES_AT_ONCE));
  return Array.from({ length: count }, (_, n) => ({
    verb: 'discard-layers',
    machineUuid,
    layers: named.slice(n * LAYERS_AT_ONCE, (n + 1) * LAYERS_AT_ONCE),
    snapshotFiles: snapshotFiles.slice(n * FILES_AT_ONCE, (n + 1) * FILES_AT_ONCE),
  }));
}

/** The forest once the doomed have left the tree and what nobody reads is left out. */
function forestBefore(plan: DeletePlan, facts: MachineFacts): Forest {
  const unread = new Set(unreadIds(plan));
  const doomed = new Set(plan.doomed);
  return {
    layers: facts.layers.filter((layer) => !unread.has(layer.id)),
    heads: facts.heads.map((head) => ({ ...head, machineId: head.machineId ?? '' })),
    pins: facts.pins.filter((pin) => !doomed.has(pin.snapshotId)),
  };
}

function unreadIds(plan: DeletePlan): string[] {
  const merged = new Set(plan.merges.flatMap((merge) => merge.garbageIds));
  return plan.discards.filter((id) => !merged.has(id));
}

function unreadOf(plan: DeletePlan, facts: MachineFacts): DeleteRecord['unread'] {
  const forest = new LayerForest(facts.layers);
  const left = facts.garbage.map(({ id, volumeId, fileName }) => ({ layerId: id, volumeId, fileName, pool: poolNameOf(facts, volumeId) }));
  return [...unreadIds(plan).map((id) => garbageOf(forest, id, facts)), ...left];
}

function garbageOf(forest: LayerForest, layerId: string, facts: MachineFacts): DeleteRecord['unread'][number] {
  const { volumeId, fileName } = forest.layer(layerId);
  return { layerId, volumeId, fileName, pool: poolNameOf(facts, volumeId) };
}

function thickeningOf(merge: Merge): { volumeId: string; layerId: string } | null {
  return merge.thickens === null ? null : { volumeId: merge.volumeId, layerId: newId() };
}

/** The empty head that goes over the run's top, which a running machine writes. */
function newHeadOf(record: Forest, merge: Merge, facts: MachineFacts) {
  const forest = new LayerForest(record.layers);
  const topId = merge.layerIds.at(-1) ?? merge.targetId;
  const head = record.heads.find((candidate) => candidate.headLayerId === topId);
  if (!head?.target || merge.thickens === null) throw new Error(`layer ${topId} is to be thickened and is nobody's attached head`);
  const chain = forest.chainOf(topId).map((layer) => linkOf(facts, layer));
  return {
    volumeId: head.volumeId,
    target: head.target,
    pool: poolNameOf(facts, head.volumeId),
    newFileName: merge.thickens,
    virtualBytes: forest.layer(topId).virtualBytes,
    chain,
  };
}

function mergeBody(record: Forest, merge: Merge, facts: MachineFacts): CommandBody {
  const forest = new LayerForest(record.layers);
  const topId = merge.layerIds.at(-1) ?? merge.targetId;
  const chain = forest.chainOf(topId);
  const head = record.heads.find(
    (candidate) => candidate.machineId === facts.machine.id && forest.chainOf(candidate.headLayerId).some((layer) => layer.id === topId),
  );
  const above = head?.target ? forest.chainOf(head.headLayerId) : [];
  const below = above.findIndex((layer) => layer.id === topId);
  return {
    verb: 'merge-layers',
    machineUuid: facts.machine.domainUuid,
    volumeId: merge.volumeId,
    how: merge.how,
    target: head?.target ?? null,
    above: above.slice(0, Math.max(below, 0)).map((layer) => linkOf(facts, layer)),
    chain: chain.map((layer) => linkOf(facts, layer)),
    runLength: merge.layerIds.length,
    into: merge.layerIds.length - 1 - merge.layerIds.indexOf(merge.targetId),
    readers: forest.childrenOf(topId).map((layer) => linkOf(facts, layer)),
    bytesPerSecond: null,
  };
}

function mergeRecordOf(record: Forest, merge: Merge, facts: MachineFacts): Omit<MergeRecord, 'thickening'> {
  const forest = new LayerForest(record.layers);
  const { layerIds, targetId, leavesHead } = merge;
  const before = facts.layerRows.find((row) => row.id === targetId)?.mergeState ?? 'NONE';
  const garbage = merge.garbageIds.map((id) => garbageOf(forest, id, facts));
  return { layerIds, targetId, leavesHead, before, garbage };
}

/** As many as the planner shows for a merge itself. */
function stepsOfMerge(merge: Merge): number {
  const commits = merge.layerIds.at(-1) === merge.targetId ? 0 : 1;
  const pulls = merge.layerIds[0] === merge.targetId ? 0 : 1;
  return commits + merge.repointIds.length + pulls;
}

function snapshotFilesOf(plan: DeletePlan, snapshots: readonly SnapshotFacts[]): DeleteRecord['snapshotFiles'] {
  return snapshots.flatMap(({ id, kind, filePool: pool, hasNvram }) => {
    if (pool === null || !plan.doomed.includes(id)) return [];
    return [
      ...(kind === 'DISK_AND_MEMORY' ? [{ pool, fileName: memoryFileName(id) }] : []),
      ...(hasNvram ? [{ pool, fileName: nvramFileName(id) }] : []),
    ];
  });
}

function stateOf(facts: MachineFacts, snapshotId: string): 'READY' | 'ERROR' {
  const state = facts.snapshots.find((snapshot) => snapshot.id === snapshotId)?.state;
  if (state !== 'READY' && state !== 'ERROR') throw new Error(`snapshot ${snapshotId} is planned to go and is ${state ?? 'not there'}`);
  return state;
}

function powerOf({ machine }: MachineFacts): 'ON' | 'PAUSED' | 'OFF' {
  if (machine.powerState === 'UNKNOWN') throw new Error(`machine ${machine.id} has no known power state after its state was checked`);
  return machine.powerState;
}
