import type { DeletableSnapshot } from './delete-plan.js';
import { type Chosen, isDeletable } from './doomed-tree.js';
import type { Plan } from './plan.js';

/** What deleting these would move and free. */
type Price = (snapshots: readonly DeletableSnapshot[]) => Pick<Plan, 'bytesToMove' | 'bytesFreed'>;

/**
 * The snapshots whose deletion frees `freeBytes` for the fewest bytes moved per byte freed, one added at a time; on ties a leaf before
 * others, then the oldest. Those that the rest makes needless are left out again at the end. Locked ones and those in the making are
 * never among them. Asks the price of at most n² + n sets.
 */
export function cheapestToFree(snapshots: readonly DeletableSnapshot[], freeBytes: number, price: Price): Chosen {
  const candidates = snapshots.filter(isDeletable);
  const everything = price(candidates).bytesFreed;
  if (everything < freeBytes || freeBytes <= 0) return { ok: false, refusal: { code: 'NOTHING_TO_FREE', freeableBytes: everything } };
  const parents = new Set(snapshots.map((snapshot) => snapshot.parentId));
  const inOrder = [...candidates.filter((one) => !parents.has(one.id)), ...candidates.filter((one) => parents.has(one.id))];
  const chosen: DeletableSnapshot[] = [];
  let now = price(chosen);
  while (now.bytesFreed < freeBytes && chosen.length < candidates.length) {
    const left = inOrder.filter((snapshot) => !chosen.includes(snapshot));
    const offers = left.map((snapshot) => ({ snapshot, price: price([...chosen, snapshot]) }));
    const best = offers.reduce<(typeof offers)[number] | undefined>((least, offer) => {
      return least === undefined || rateOf(offer.price, now) < rateOf(least.price, now) ? offer : least;
    }, undefined);
    if (!best) break;
    chosen.push(best.snapshot);
    now = best.price;
  }
  const kept = chosen.reduceRight<DeletableSnapshot[]>((set, snapshot) => {
    const without = set.filter((other) => other !== snapshot);
    return price(without).bytesFreed >= freeBytes ? without : set;
  }, chosen);
  return { ok: true, value: snapshots.filter((snapshot) => kept.includes(snapshot)) };
}

/** Bytes moved per byte freed by adding one more; without end where it frees nothing, so that such come last. */
function rateOf(offer: ReturnType<Price>, now: ReturnType<Price>): number {
  const freed = offer.bytesFreed - now.bytesFreed;
  if (freed <= 0) return Number.POSITIVE_INFINITY;
  return Math.max(0, offer.bytesToMove - now.bytesToMove) / freed;
}
