import { expect } from 'vitest';
import type { Layer } from '../model/layer-forest.js';
import type { DeletePlan, DeleteRequest, Doomed } from '../plan/delete-plan.js';
import { applyStoppedMerge, type Merge } from '../plan/merge.js';
import { planConsolidate, planDelete } from '../plan/plan-delete.js';
import type { ModelWorld } from './model-world.js';
import { type MergeJournal, runMerge } from './run-merge.js';
import { drive, type Weather } from './trouble.js';

/** How a delete is asked for. `hidden`: which layers nobody has measured. */
export type DeleteOptions = {
  doomed: Doomed;
  hidden: (layer: Layer) => boolean;
  checkpointedVolumeIds: ReadonlySet<string>;
  restLimitBytes: number;
  /** No other machine's QEMU is asked. */
  onlyOwn?: boolean;
  weather: Weather;
};

/** Deletes as a store and an agent do it together: names first, merges one by one with their journals, discards last. */
export function runDelete(world: ModelWorld, machineId: string, options: DeleteOptions): void {
  world.measure(options.hidden);
  const planned = planDelete(requestOf(world, machineId, options));
  if (!planned.ok) return world.count(`delete refused ${planned.refusal.code}`);
  const plan = planned.value;
  world.count(plan.doomed.length === 0 ? 'consolidate' : 'delete');
  begin(world, machineId, plan);
  const before = tally(world);
  const isCalm = options.weather.trouble.kind === 'NONE' && options.weather.guests.seed === 0;
  const outcome = runMerges(world, machineId, { plan, options });
  for (const id of plan.doomed) {
    world.snapshots = world.snapshots.flatMap((one) => {
      if (one.id !== id) return [one];
      return outcome === 'CANCELLED' ? [{ ...one, state: 'ERROR' as const }] : [];
    });
  }
  if (outcome === 'CANCELLED') return world.count('cancelled');
  const peak = world.files.usedClusters();
  if (!drive(world, discardPending(world), options.weather)) world.count('trouble in a discard');
  if (isCalm) checkSums(world, plan, { ...before, peak });
}

function requestOf(world: ModelWorld, machineId: string, options: DeleteOptions): DeleteRequest {
  return {
    forest: world.forest(),
    snapshots: world.snapshotsOf(machineId),
    currentSnapshotId: world.current.get(machineId) ?? null,
    pins: world.record.pins,
    heads: world.record.heads,
    doomed: options.doomed,
    checkpointedVolumeIds: options.checkpointedVolumeIds,
    restLimitBytes: options.restLimitBytes,
    ...(options.onlyOwn ? { liveMachineIds: new Set([machineId]) } : {}),
  };
}

/** One transaction: names, pins, parents, current, and layers that nothing reads. */
function begin(world: ModelWorld, machineId: string, plan: DeletePlan): void {
  const doomed = new Set(plan.doomed);
  const parents = new Map(plan.reparented.map((moved) => [moved.snapshotId, moved.parentId]));
  world.snapshots = world.snapshots.map((one) => {
    if (doomed.has(one.id)) return { ...one, state: 'EXPUNGING' as const, parentId: null };
    const parentId = parents.get(one.id);
    return parentId === undefined ? one : { ...one, parentId };
  });
  world.current.set(machineId, plan.currentSnapshotId);
  const merged = new Set(plan.merges.flatMap((merge) => merge.garbageIds));
  const unread = new Set(plan.discards.filter((id) => !merged.has(id)));
  world.pendingDiscards.push(...world.record.layers.filter((layer) => unread.has(layer.id)).map((layer) => layer.fileName));
  world.record = {
    ...world.record,
    pins: world.record.pins.filter((pin) => !doomed.has(pin.snapshotId)),
    layers: world.record.layers.filter((layer) => !unread.has(layer.id)),
  };
  world.look('names and pins are gone');
}

type Outcome = 'AS_PLANNED' | 'OTHERWISE' | 'CANCELLED';

function runMerges(world: ModelWorld, machineId: string, job: { plan: DeletePlan; options: DeleteOptions }): Outcome {
  const { plan, options } = job;
  for (const merge of plan.merges) {
    const journal: MergeJournal = { phase: 'COMMIT' };
    world.count(`merge ${merge.how}${merge.thickens === null ? '' : ' thickened'}${merge.leavesHead ? ' leaving the head' : ''}`);
    if (drive(world, runMerge(world, merge, journal), options.weather)) continue;
    const outcome = recover(world, machineId, { merge, journal, options });
    if (outcome !== 'AS_PLANNED') return outcome;
  }
  return 'AS_PLANNED';
}

/** After trouble: the same command again, a new plan, or an end half way. */
function recover(world: ModelWorld, machineId: string, half: { merge: Merge; journal: MergeJournal; options: DeleteOptions }): Outcome {
  const { merge, journal, options } = half;
  const { trouble } = options.weather;
  const kind = trouble.kind;
  trouble.kind = 'NONE';
  world.count(`trouble ${kind} in ${journal.phase}`);
  const isCommit = merge.targetId !== merge.layerIds.at(-1);
  const isForwardOnly = ['PULLED', 'DONE'].includes(journal.phase) || (journal.phase !== 'COMMIT' && isCommit);
  if (kind === 'HOST') for (const id of world.running) world.setPower(id, false);
  if (kind === 'AGENT' || isForwardOnly) {
    if (journal.phase !== 'DONE') drive(world, runMerge(world, merge, journal), options.weather);
    return kind === 'CANCEL' ? 'CANCELLED' : kind === 'AGENT' ? 'AS_PLANNED' : replan(world, machineId, options);
  }
  world.record = applyStoppedMerge(world.record, merge);
  world.look('a stopped merge is recorded');
  return kind === 'CANCEL' ? 'CANCELLED' : replan(world, machineId, options);
}

function replan(world: ModelWorld, machineId: string, options: DeleteOptions): Outcome {
  world.measure(options.hidden);
  const plan = planConsolidate(requestOf(world, machineId, options));
  begin(world, machineId, plan);
  for (const merge of plan.merges) drive(world, runMerge(world, merge, { phase: 'COMMIT' }), options.weather);
  return 'OTHERWISE';
}

/** Removes what has left the record, each file after those over it. What trouble leaves is for whoever comes next. */
export function* discardPending(world: ModelWorld): Generator<string> {
  for (let name = world.pendingDiscards.shift(); name !== undefined; name = world.pendingDiscards.shift()) {
    world.files.remove(name);
    yield `${name} is removed`;
  }
}

type Tally = { used: number; moved: number; peak: number; isExact: boolean };

function tally(world: ModelWorld): Tally {
  const used = world.files.usedClusters();
  return {
    used,
    moved: world.files.movedClusters,
    peak: used,
    isExact: world.record.layers.every((layer) => layer.data) && !world.files.hasZeros(),
  };
}

/** What the plan said in numbers, held against the files. It may say too much moved, never too little; too little freed, never too much. */
function checkSums(world: ModelWorld, plan: DeletePlan, before: Tally): void {
  const moved = world.files.movedClusters - before.moved;
  expect(moved, 'bytes to move').toBeLessThanOrEqual(plan.plan.bytesToMove);
  if (before.isExact) expect(moved, 'bytes to move, exactly').toBe(plan.plan.bytesToMove);
  expect(before.peak, 'peak').toBeLessThanOrEqual(before.used + plan.plan.peakExtraBytes);
  expect(before.used - world.files.usedClusters(), 'bytes freed').toBeGreaterThanOrEqual(
    plan.plan.bytesFreed - plan.memoryOf.length * MODEL_MEMORY_BYTES,
  );
}

/** What a memory image of the model occupies. */
export const MODEL_MEMORY_BYTES = 3;
