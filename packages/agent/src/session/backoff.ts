import { FINAL_CLOSE_CODES } from '@coppice/protocol';

/** The ceiling doubles from `first` to `longest`; a session that lasted `settledAfter` starts it anew. */
export const BACKOFF_MS = { first: 250, longest: 30_000, settledAfter: 10_000, final: 60_000 } as const;

/**
 * How long to wait before the next try: full jitter (uniform between 0 and the ceiling), so that a thousand agents that lost one API do not
 * come back in the same instant. After a close that needs a person, about once a minute. `chance`: 0 ≤ chance < 1.
 */
export function pauseBeforeReconnect(failures: number, closeCode: number, chance: number): number {
  if (FINAL_CLOSE_CODES.has(closeCode)) return Math.round(BACKOFF_MS.final * (0.75 + chance / 2));
  const ceiling = Math.min(BACKOFF_MS.longest, BACKOFF_MS.first * 2 ** Math.min(failures, 16));
  return Math.round(ceiling * chance);
}
