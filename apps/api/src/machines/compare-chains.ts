/** How the chain that a host shows stands to the recorded one. Pure; both head first. */

/** One link of a chain; `pool` is null where the file lies in none. */
type Named = { pool: string | null; fileName: string };

/**
 * SAME; GROWN: the recorded chain lies whole under `onTop` layers that are not recorded; EXCHANGED: not one file in common, so it is another
 * disk; DIFFERENT: anything else, as after a merge or a switch by hand.
 */
export type ChainComparison = { kind: 'SAME' } | { kind: 'EXCHANGED' } | { kind: 'DIFFERENT' } | { kind: 'GROWN'; onTop: number };

/** Compares file by file, by pool and name. */
export function compareChains(recorded: readonly Named[], seen: readonly Named[]): ChainComparison {
  const isEqual = (a: Named | undefined, b: Named | undefined) => a?.fileName === b?.fileName && a?.pool === b?.pool;
  const onTop = seen.length - recorded.length;
  if (recorded.length > 0 && onTop >= 0 && recorded.every((link, index) => isEqual(link, seen[onTop + index]))) {
    return onTop === 0 ? { kind: 'SAME' } : { kind: 'GROWN', onTop };
  }
  return { kind: recorded.some((link) => seen.some((other) => isEqual(link, other))) ? 'DIFFERENT' : 'EXCHANGED' };
}
