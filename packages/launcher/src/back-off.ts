/** First pause before a child is started again; each further one doubles it. */
export const FIRST_PAUSE_MS = 250;
/** A child that cannot run is tried twice a minute: soon enough after its cause is mended, seldom enough to do no harm. */
export const LONGEST_PAUSE_MS = 30_000;
/** A child that ran so long was well: the next failure is a new one. */
export const WELL_AFTER_MS = 60_000;

/** The pause before the next start, from the pause before the last one (0 = it never failed) and how long the child ran since. */
export function nextPauseMs(lastPauseMs: number, ranMs: number): number {
  if (lastPauseMs === 0 || ranMs >= WELL_AFTER_MS) return FIRST_PAUSE_MS;
  return Math.min(lastPauseMs * 2, LONGEST_PAUSE_MS);
}
