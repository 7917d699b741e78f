import type { MachineHead } from '../model/forest-record.js';
import { type Layer, LayerForest } from '../model/layer-forest.js';
import type { DeferralReason } from './delete-plan.js';
import { layerFileName } from './layer-file-name.js';
import type { Merge } from './merge.js';
import { bytesMoved, type MergeCost } from './merge-cost.js';

/** A merge waits for the machine to stop if it is more than so many times dearer only because the machine runs (domain.md, Delete). */
export const DEFER_FACTOR = 3;

/**
 * From so much data on a running machine's head is merged down into the layer at rest under it: below it, moving the head's bytes again
 * and again would cost more than the overwritten data that it holds back.
 */
export const REST_LIMIT_BYTES = 1024 ** 3;

/** What decides how a run may be merged. */
export type MergeSituation = {
  forest: LayerForest;
  heads: readonly MachineHead[];
  checkpointedVolumeIds: ReadonlySet<string>;
  /** Layers that this plan takes the last pin from. */
  unpinnedNow: ReadonlySet<string>;
  restLimitBytes: number;
  /** Null: every running machine may be asked to merge. */
  liveMachineIds: ReadonlySet<string> | null;
  /** mergeCosts, or one that remembers: the same runs come again and again where many sets of snapshots are weighed. */
  costsOf: (run: readonly Layer[]) => MergeCost[];
};

/** What becomes of a run: a merge, with by how much its target grows, or a reason to wait. */
export type MergeChoice = { merge: Merge; grownBytes: number } | { why: DeferralReason };

/** One legal way. `layers` is the run, or the run without the live head over it. */
type Way = {
  layers: readonly Layer[];
  target: Layer;
  cost: MergeCost;
  head: MachineHead | null;
  thickens: string | null;
  leavesHead: boolean;
};

/**
 * Chooses among the legal ways of kvm.md §5 the one that moves the fewest bytes; on ties a pull, which spoils nothing.
 *
 *   nobody has it open            into any of its layers
 *   C is a running machine's head pull into C | T-trick: freeze C under a new head, commit into U1 | commit Um into U1, rest under C
 *   inside a running chain        commit into U1 only: libvirt pulls into nothing but the head
 *   open under two heads          wait
 */
export function chooseMerge(run: readonly Layer[], situation: MergeSituation): MergeChoice {
  const top = run.at(-1);
  if (!top || run.some((layer, index) => layer.virtualBytes < (run[index - 1]?.virtualBytes ?? 0))) return { why: 'SIZE_SHRINKS' };
  const { forest } = situation;
  const offline = cheapest(offlineWays(run, top, situation));
  const open = situation.heads.filter((head) => isOpen(head) && forest.chainOf(head.headLayerId).some((layer) => layer.id === top.id));
  const [head, ...others] = open;
  if (!head) return offline ? { merge: mergeOf(offline, forest), grownBytes: offline.cost.grownBytes } : { why: 'NOT_WHILE_RUNNING' };
  if (others.length > 0) return { why: 'OPEN_IN_SEVERAL_MACHINES' };
  if (situation.liveMachineIds?.has(head.machineId) === false) return { why: 'OPEN_IN_ANOTHER_MACHINE' };
  if (head.headLayerId === top.id && isAtRest(run, top, situation)) return { why: 'AT_REST' };
  const live = cheapest(liveWays(run, head, situation));
  if (!live) return { why: 'NOT_WHILE_RUNNING' };
  if (offline && bytesMoved(live.cost) > DEFER_FACTOR * bytesMoved(offline.cost)) return { why: 'CHEAPER_WHEN_STOPPED' };
  return { merge: mergeOf(live, forest), grownBytes: live.cost.grownBytes };
}

function isOpen(head: MachineHead): boolean {
  return head.isRunning && head.target !== null;
}

/** What a stopped merge left is no rest: it is continued. */
function isAtRest(run: readonly Layer[], top: Layer, situation: MergeSituation): boolean {
  const [under, ...more] = run.slice(0, -1);
  if (!under || more.length > 0 || under.isSpoiled || situation.unpinnedNow.has(under.id)) return false;
  return top.allocatedBytes < situation.restLimitBytes;
}

function offlineWays(run: readonly Layer[], top: Layer, situation: MergeSituation): Way[] {
  const isHead = situation.heads.some((head) => head.headLayerId === top.id);
  const costs = situation.costsOf(run);
  return run.flatMap((target, index): Way[] => {
    const cost = costs[index];
    // A head stays qcow2: a raw one could carry neither a bitmap nor the definition's driver.
    if (!cost || !mayHold(target, top, situation) || (isHead && target.format === 'raw')) return [];
    return [{ layers: run, target, cost, head: null, thickens: null, leavesHead: false }];
  });
}

function liveWays(run: readonly Layer[], head: MachineHead, situation: MergeSituation): Way[] {
  const [bottom, top, under] = [run[0], run.at(-1), run.slice(0, -1)];
  const costs = situation.costsOf(run);
  const [commit, pull] = [costs[0], costs.at(-1)];
  if (!bottom || !top || !commit || !pull) return [];
  const isHead = head.headLayerId === top.id;
  const ways: Way[] = [];
  if (isHead) ways.push({ layers: run, target: top, cost: pull, head, thickens: null, leavesHead: false });
  const last = under.at(-1);
  const rest = situation.costsOf(under)[0];
  if (isHead && last && rest && under.length > 1 && mayHold(bottom, last, situation)) {
    ways.push({ layers: under, target: bottom, cost: rest, head, thickens: null, leavesHead: true });
  }
  if (mayHold(bottom, top, situation)) {
    const thickens = isHead ? layerFileName(head.volumeId, head.nextLayerNumber) : null;
    ways.push({ layers: run, target: bottom, cost: commit, head, thickens, leavesHead: false });
  }
  return ways;
}

/** File names say whose they are, so content never moves into another volume's file; a raw file has no place for bitmaps. */
function mayHold(target: Layer, top: Layer, situation: MergeSituation): boolean {
  if (target.id === top.id) return true;
  if (target.volumeId !== top.volumeId) return false;
  return target.format === 'qcow2' || !situation.checkpointedVolumeIds.has(target.volumeId);
}

/** The last of the cheapest that is nearest to a pull: its target is highest; earlier ones win where that is the same too. */
function cheapest(ways: readonly Way[]): Way | undefined {
  const rank = (way: Way) => way.layers.indexOf(way.target) - (way.layers.length - 1);
  return ways.toSorted((a, b) => bytesMoved(a.cost) - bytesMoved(b.cost) || rank(b) - rank(a))[0];
}

function mergeOf(way: Way, forest: LayerForest): Merge {
  const top = way.layers.at(-1) ?? way.target;
  const isPull = top.id === way.target.id;
  const chain = new Set(way.head ? forest.chainOf(way.head.headLayerId).map((layer) => layer.id) : []);
  const children = isPull ? [] : forest.childrenOf(top.id).map((layer) => layer.id);
  return {
    volumeId: top.volumeId,
    layerIds: way.layers.map((layer) => layer.id),
    targetId: way.target.id,
    how: way.head ? 'LIVE' : 'OFFLINE',
    machineId: way.head?.machineId ?? null,
    thickens: way.thickens,
    leavesHead: way.leavesHead,
    commitBytes: way.cost.commitBytes,
    pullBytes: way.cost.pullBytes,
    repointIds: children.filter((id) => !chain.has(id)),
    liveChildId: children.find((id) => chain.has(id)) ?? null,
    garbageIds: way.layers
      .map((layer) => layer.id)
      .filter((id) => id !== way.target.id)
      .toReversed(),
  };
}
