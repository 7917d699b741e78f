/** First wait after a lost connection, and the longest one, in ms: quick enough to feel alive, slow enough not to storm a starting API. */
const FIRST_MS = 400;
const LONGEST_MS = 8_000;

/** How long to wait before try number `attempt` (0 is the first repetition); `chance` in [0, 1) spreads many browsers out. */
export function backOffMs(attempt: number, chance: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(full * (0.5 + chance / 2));
}
