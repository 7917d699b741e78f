/** A feed of transitions, newest first, without doubles. Pure. */

/**
 * Puts `newer` (in any order of arrival, oldest first) before `known`. Delivery is at least once, so a cursor that is there already is left
 * out; at most `max` are kept, the oldest go.
 */
export function mergeTransitions<Item extends { cursor: string }>(known: readonly Item[], newer: readonly Item[], max: number): Item[] {
  const seen = new Set(known.map(({ cursor }) => cursor));
  const fresh: Item[] = [];
  for (const item of newer) {
    if (seen.has(item.cursor)) continue;
    seen.add(item.cursor);
    fresh.unshift(item);
  }
  return [...fresh, ...known].slice(0, max);
}

/**
 * Takes a list that was read anew (newest first), and keeps above it what the stream brought while it was read: the part of `known` before
 * the first one that both have; where they have none in common, what is later than all that was read.
 */
export function refreshTransitions<Item extends { cursor: string; at: string }>(
  known: readonly Item[],
  read: readonly Item[],
  max: number,
): Item[] {
  const inRead = new Set(read.map(({ cursor }) => cursor));
  const shared = known.findIndex(({ cursor }) => inRead.has(cursor));
  const latest = read[0]?.at ?? '';
  const newer = shared === -1 ? known.filter(({ at }) => at > latest) : known.slice(0, shared);
  return [...newer, ...read].slice(0, max);
}
