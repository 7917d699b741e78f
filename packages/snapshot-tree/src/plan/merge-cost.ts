import { bytesOf, type Extents, NO_EXTENTS, subtract, unionOf } from '../model/extents.js';
import type { Layer } from '../model/layer-forest.js';

/** Bytes that a merge moves, by direction. */
export type MergeCost = { commitBytes: number; pullBytes: number };

/** The sum of both directions. */
export function bytesMoved(cost: MergeCost): number {
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
  return run.map((_target, index) => {
    const over = above[index + 1] ?? NOTHING;
    const under = below[index - 1] ?? NOTHING;
    const covering = above[index] ?? NOTHING;
    return {
      commitBytes: Math.min(virtualBytes, bytesOf(over.measured) + over.unmeasuredBytes),
      pullBytes: Math.min(virtualBytes, bytesOf(subtract(under.measured, covering.measured)) + under.unmeasuredBytes),
    };
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
