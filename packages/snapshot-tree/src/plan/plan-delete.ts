import type { ForestRecord, MachineHead } from '../model/forest-record.js';
import { type Layer, LayerForest } from '../model/layer-forest.js';
import { retainedLayers } from '../model/space.js';
import { chooseMerge, type MergeSituation, REST_LIMIT_BYTES } from './choose-merge.js';
import { cheapestToFree } from './cheapest-to-free.js';
import type { DeletableSnapshot, Deferral, DeletePlan, DeleteRefusal, DeleteRequest } from './delete-plan.js';
import { discardSteps, mergeSteps, stayingSteps } from './delete-steps.js';
import { namedSnapshots, treeWithout } from './doomed-tree.js';
import { applyMerge, applyThicken, type Merge } from './merge.js';
import { type MergeCost, mergeCosts } from './merge-cost.js';
import { mergeRuns, unreachableLayers, withoutLayers } from './merge-runs.js';
import { type PlanStep, planStep } from './plan.js';
import { OVERLAY_RESERVE_BYTES } from './plan-create.js';

/**
 * Plans the deletion of any snapshots: leaf, inner, root, current, one, several, a subtree, or whatever frees so many bytes. The tree
 * changes at once; then layers without a reader are discarded and every run of layers that only one other reads is merged as one, by
 * measured bytes among the legal ways. What no snapshot but the doomed reads may go; nothing else changes what it shows
 * (domain.md, Delete and invariant 1).
 */
export function planDelete(request: DeleteRequest): { ok: true; value: DeletePlan } | { ok: false; refusal: DeleteRefusal } {
  const { doomed } = request;
  const weighing = { ...request, costsOf: rememberedCosts() };
  const chosen =
    'freeBytes' in doomed
      ? cheapestToFree(request.snapshots, doomed.freeBytes, (snapshots) => planOf(weighing, snapshots).plan)
      : namedSnapshots(request.snapshots, doomed);
  return chosen.ok ? { ok: true, value: planOf(weighing, chosen.value) } : chosen;
}

/** What merges and discards are possible now with no snapshot deleted: work that was deferred, or that a revert made possible. */
export function planConsolidate(request: Omit<DeleteRequest, 'doomed'>): DeletePlan {
  return planOf({ ...request, costsOf: mergeCosts }, []);
}

type Weighing = Omit<DeleteRequest, 'doomed'> & Pick<MergeSituation, 'costsOf'>;

/** What layers hold is the same in every plan of one request, so a run's costs are computed once. */
function rememberedCosts(): MergeSituation['costsOf'] {
  const known = new Map<string, MergeCost[]>();
  return (run) => {
    const key = run.map((layer) => layer.id).join(' ');
    const costs = known.get(key) ?? mergeCosts(run);
    known.set(key, costs);
    return costs;
  };
}

/** Merges in order, each with the record that it begins from. */
type Merging = {
  merges: { merge: Merge; before: ForestRecord<MachineHead>; grownBytes: number }[];
  deferred: Deferral[];
  after: ForestRecord<MachineHead>;
};

function planOf(request: Weighing, snapshots: readonly DeletableSnapshot[]): DeletePlan {
  const doomed = new Set(snapshots.map((snapshot) => snapshot.id));
  const doomedPins = request.pins.filter((pin) => doomed.has(pin.snapshotId));
  const pins = request.pins.filter((pin) => !doomed.has(pin.snapshotId));
  const stillPinned = new Set(pins.map((pin) => pin.layerId));
  const unpinnedNow = new Set(doomedPins.map((pin) => pin.layerId).filter((id) => !stillPinned.has(id)));
  const begun = { layers: request.forest.layers(), heads: request.heads, pins };
  const unread = unreachableLayers(begun);
  const merging = mergeAll(withoutLayers(begun, unread), request, unpinnedNow);
  const garbage = merging.merges.toReversed().flatMap(({ merge }) => merge.garbageIds.map((id) => request.forest.layer(id)));
  const discards = [...unread, ...garbage];
  const retained = retainedLayers(new LayerForest(merging.after.layers), merging.after);
  const memoryOf = snapshots.filter((snapshot) => snapshot.kind === 'DISK_AND_MEMORY');
  const shared = retained.filter((layer) => unpinnedNow.has(layer.id));
  const steps = [
    ...merging.merges.flatMap(({ merge, before }) => mergeSteps(merge, before, doomedPins)),
    ...stayingSteps(request.forest, { shared, deferred: merging.deferred }),
    ...(merging.merges.length > 0 ? [planStep('VERIFY_CHAIN', 'Look at every layer on disk and at the definition of the machine.')] : []),
    ...discardSteps(
      discards,
      memoryOf.map((snapshot) => snapshot.id),
      doomedPins,
    ),
  ];
  return {
    plan: summed(steps, merging, { layers: discards, memoryOf }),
    doomed: [...doomed],
    ...treeWithout(request.snapshots, doomed, request.currentSnapshotId),
    merges: merging.merges.map(({ merge }) => merge),
    discards: discards.map((layer) => layer.id),
    retained: retained.map((layer) => layer.id),
    deferred: merging.deferred,
    memoryOf: memoryOf.map((snapshot) => snapshot.id),
  };
}

/** Runs have no layer in common and a merge changes no other run, so each is decided once; ids are of the record as it is by then. */
function mergeAll(record: ForestRecord<MachineHead>, request: Weighing, unpinnedNow: ReadonlySet<string>): Merging {
  const merging: Merging = { merges: [], deferred: [], after: record };
  for (const run of mergeRuns(record)) {
    const choice = chooseMerge(run, {
      forest: new LayerForest(merging.after.layers),
      heads: merging.after.heads,
      checkpointedVolumeIds: request.checkpointedVolumeIds,
      unpinnedNow,
      restLimitBytes: request.restLimitBytes ?? REST_LIMIT_BYTES,
      liveMachineIds: request.liveMachineIds ?? null,
      costsOf: request.costsOf,
    });
    if ('why' in choice) {
      merging.deferred.push({ layerIds: run.map((layer) => layer.id), why: choice.why });
      continue;
    }
    const { merge, grownBytes } = choice;
    merging.merges.push({ merge, before: merging.after, grownBytes });
    // The new head has no id before the operation makes one; its file name is as unique.
    const ready = merge.thickens === null ? merging.after : applyThicken(merging.after, merge, merge.thickens);
    merging.after = applyMerge(unmeasured(ready, merge), merge);
    const restingHead = merge.leavesHead ? run.at(-1) : undefined;
    if (restingHead) merging.deferred.push({ layerIds: [merge.targetId, restingHead.id], why: 'AT_REST' });
  }
  return merging;
}

/** No later choice asks what a merged layer holds, and joining large maps would be most of the work. */
function unmeasured(record: ForestRecord<MachineHead>, merge: Merge): ForestRecord<MachineHead> {
  const isMerged = new Set(merge.layerIds);
  return { ...record, layers: record.layers.map((layer) => (isMerged.has(layer.id) ? { ...layer, data: null } : layer)) };
}

function summed(
  steps: PlanStep[],
  merging: Merging,
  gone: { layers: readonly Layer[]; memoryOf: readonly DeletableSnapshot[] },
): DeletePlan['plan'] {
  const grown = merging.merges.reduce((sum, { grownBytes }) => sum + grownBytes, 0);
  const thickened = merging.merges.filter(({ merge }) => merge.thickens !== null).length;
  const discarded = gone.layers.reduce((sum, layer) => sum + layer.allocatedBytes, 0);
  const memory = gone.memoryOf.reduce((sum, snapshot) => sum + (snapshot.memoryBytes ?? 0), 0);
  return {
    steps,
    bytesToMove: steps.reduce((sum, step) => sum + step.bytesToMove, 0),
    bytesFreed: Math.max(0, discarded + memory - grown),
    // Every discard comes after every merge, so all growth is there at once before the first byte is freed.
    peakExtraBytes: grown + thickened * OVERLAY_RESERVE_BYTES,
    stopsMachine: false,
    losesCurrentState: false,
    warnings: warningsFor(merging, gone.memoryOf),
  };
}

function warningsFor(merging: Merging, memoryOf: readonly DeletableSnapshot[]): string[] {
  const warnings: string[] = [];
  const moved = merging.merges.filter(({ merge }) => merge.commitBytes + merge.pullBytes > 0);
  const estimated = moved.filter(({ merge, before }) =>
    before.layers.some((layer) => merge.layerIds.includes(layer.id) && layer.data === null),
  );
  if (moved.some(({ merge }) => merge.commitBytes > 0)) {
    warnings.push(
      'Once the first byte has moved there is no way back: a cancel stops the merge, and only its continuation is possible then.',
    );
  }
  if (estimated.length > 0) warnings.push('Some layers are not measured yet: the bytes to move are the most that it can be.');
  if (merging.deferred.some((deferral) => deferral.why !== 'AT_REST')) {
    warnings.push('Some layers cannot be merged yet: they keep their bytes until they can, and then are merged without being asked for.');
  }
  if (memoryOf.some((snapshot) => snapshot.memoryBytes === null)) {
    warnings.push('The size of a saved memory is not known: more is freed than is said here.');
  }
  return warnings;
}
