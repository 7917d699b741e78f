import { bytesOf, type Extents, NO_EXTENTS, subtract, unionOf } from '../model/extents.js';
import type { Layer } from '../model/layer-forest.js';

/** Bytes that a merge moves, by direction, and by how many its target's file grows at most. */
export type MergeCost = { commitBytes: number; pullBytes: number; grownBytes: number };

/** The sum of both directions. */
export function bytesMoved(cost: Pick<MergeCost, 'commitBytes' | 'pullBytes'>): number {
  return cost.commitBytes + cost.pullBytes;
}

/**
 * What merging `run` (bottom first) into each of its layers moves, by index of the target: the data above it, plus the data below it
 * that neither it nor the layers above cover (domain.md, Delete). A layer that is not measured counts with all it occupies, and covers
 * nothing. Neither direction moves more than the top's virtual size.
 */
export function mergeCosts(run: readonly Layer[]): MergeCost[] {
  const virtualBytes = run.at(-1)?.virtualBytes ?? 0;
  const below = sums(run);
  const above = sums(run.toReversed()).toReversed();
  const all = bytesOf(above[0]?.measured ?? NO_EXTENTS);
  const isMeasured = run.every((layer) => layer.data !== null);
  return run.map((target, index) => {
    const over = above[index + 1] ?? NOTHING;
    const under = below[index - 1] ?? NOTHING;
    const covering = above[index] ?? NOTHING;
    const commitBytes = Math.min(virtualBytes, bytesOf(over.measured) + over.unmeasuredBytes);
    const pullBytes = Math.min(virtualBytes, bytesOf(subtract(under.measured, covering.measured)) + under.unmeasuredBytes);
    // What is written over data takes no room. Where that is not known, everything may.
    const grownBytes = isMeasured && target.data ? all - bytesOf(target.data) : commitBytes + pullBytes;
    return { commitBytes, pullBytes, grownBytes };
  });
}

type DataSum = { measured: Extents; unmeasuredBytes: number };
const NOTHING: DataSum = { measured: NO_EXTENTS, unmeasuredBytes: 0 };

/** For each layer, the data of it and of all before it. */
function sums(layers: readonly Layer[]): DataSum[] {
  let sum = NOTHING;
  return layers.map((layer) => {
    sum =
      layer.data === null
        ? { ...sum, unmeasuredBytes: sum.unmeasuredBytes + layer.allocatedBytes }
        : { ...sum, measured: unionOf(sum.measured, layer.data) };
    return sum;
  });
}
