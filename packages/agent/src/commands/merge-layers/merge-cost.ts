import type { DataRange } from '../../inventory/encode-extents.js';
import { dataRangesByLayer } from '../../hypervisor/qemu-storage/map-image.js';
import type { CommandContext } from '../context.js';
import { requireSpace } from '../require-space.js';
import { type Merge, targetOf } from './merge.js';

/** A map of an image with a million clusters takes seconds. */
const MAP_DEADLINE_MS = 120_000;

/** What a merge copies: data of the layers above its target, and of those below it that nothing above covers. Ascending. */
export interface MergeCost {
  readonly commit: readonly DataRange[];
  readonly pull: readonly DataRange[];
}

/** Looks what the run holds, whatever else is on disk. Throws IO_ERROR. */
export async function costOf({ chain, runLength, into }: Merge): Promise<MergeCost> {
  const layers = await dataRangesByLayer(chain.slice(0, runLength), MAP_DEADLINE_MS);
  const of = (from: number, to: number) =>
    layers
      .slice(from, to)
      .flat()
      .toSorted((a, b) => a.start - b.start);
  return { commit: of(0, into), pull: of(into + 1, runLength) };
}

/** Bytes of the ranges below a position on the disk. */
export function bytesBelow(ranges: readonly DataRange[], position: number): number {
  return ranges.reduce((sum, { start, length }) => sum + Math.max(0, Math.min(length, position - start)), 0);
}

/** Bytes of all ranges. */
export function bytesOf(ranges: readonly DataRange[]): number {
  return ranges.reduce((sum, { length }) => sum + length, 0);
}

/** Throws INSUFFICIENT_SPACE if the target cannot grow by what will be copied. */
export function requireSpaceFor(merge: Merge, { commit, pull }: MergeCost, context: CommandContext): Promise<void> {
  return requireSpace({ pool: targetOf(merge).pool, bytes: bytesOf(commit) + bytesOf(pull), what: 'the merge' }, context);
}
