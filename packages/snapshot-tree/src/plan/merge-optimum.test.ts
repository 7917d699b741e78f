import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Layer, LayerForest } from '../model/layer-forest.js';
import { clusters, head, layer } from '../testing/forest-builders.js';
import { chooseMerge } from './choose-merge.js';
import { mergeCosts } from './merge-cost.js';

const CLUSTERS = 10;
type Data = ReadonlySet<number>;

/** Runs of 2 to 5 layers, bottom first, each with any clusters. */
const runs = fc.array(fc.subarray(clusters(0, CLUSTERS)), { minLength: 2, maxLength: 5 });

function sum(...parts: readonly Data[]): Data {
  return new Set(parts.flatMap((part) => [...part]));
}

function without(from: Data, removed: Data): Data {
  return new Set([...from].filter((cluster) => !removed.has(cluster)));
}

/** The least that any order of merging two neighbours, each committed or pulled, moves in all. */
function bestByPairs(layers: readonly Data[]): number {
  if (layers.length < 2) return 0;
  return Math.min(
    ...layers.slice(1).map((upper, index) => {
      const lower = layers[index] ?? new Set();
      const rest = bestByPairs([...layers.slice(0, index), sum(lower, upper), ...layers.slice(index + 2)]);
      return Math.min(upper.size, without(lower, upper).size) + rest;
    }),
  );
}

/** The least that merging the whole run into one of its layers moves. */
function bestTarget(layers: readonly Data[]): number {
  return Math.min(...layers.map((_target, index) => targetCost(layers, index)));
}

function targetCost(layers: readonly Data[], index: number): number {
  const above = sum(...layers.slice(index + 1));
  return above.size + without(sum(...layers.slice(0, index)), sum(...layers.slice(index))).size;
}

function rowsOf(layers: readonly (readonly number[])[]): Layer[] {
  return layers.map((data, index) => layer(`l${index}`, index === 0 ? null : `l${index - 1}`, data));
}

function chosen(rows: Layer[], isRunning: boolean): number | null {
  const top = rows.at(-1);
  const choice = chooseMerge(rows, {
    forest: new LayerForest(rows),
    heads: [head(top?.id ?? '', { isRunning })],
    checkpointedVolumeIds: new Set(),
    unpinnedNow: new Set(rows.map((row) => row.id)),
    restLimitBytes: 0,
    costsOf: mergeCosts,
    liveMachineIds: null,
  });
  return 'why' in choice ? null : choice.merge.commitBytes + choice.merge.pullBytes;
}

describe('the bytes that a merge moves', () => {
  it('are the least of all targets, and never more than any order of merging pairs', () => {
    const everyRun = fc.property(runs, (layers) => {
      const sets = layers.map((data) => new Set(data));
      const moved = chosen(rowsOf(layers), false);
      expect(moved).toBe(bestTarget(sets));
      expect(moved).toBeLessThanOrEqual(bestByPairs(sets));
    });
    fc.assert(everyRun, { numRuns: 3000 });
  });

  it('are the least of the ways that a running machine allows, or it waits because stopping saves two thirds', () => {
    const everyRun = fc.property(runs, (layers) => {
      const sets = layers.map((data) => new Set(data));
      const below = sets.slice(0, -1);
      const ways = [targetCost(sets, sets.length - 1), targetCost(sets, 0), ...(below.length > 1 ? [targetCost(below, 0)] : [])];
      const moved = chosen(rowsOf(layers), true);
      if (moved === null) expect(Math.min(...ways)).toBeGreaterThan(3 * bestTarget(sets));
      else expect(moved).toBe(Math.min(...ways));
    });
    fc.assert(everyRun, { numRuns: 3000 });
  });
});
