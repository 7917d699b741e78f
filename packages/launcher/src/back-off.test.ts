import { expect, it } from 'vitest';
import { FIRST_PAUSE_MS, LONGEST_PAUSE_MS, nextPauseMs, WELL_AFTER_MS } from './back-off.js';

it('doubles the pause of a child that keeps dying, up to a bound', () => {
  const pauses: number[] = [];
  for (let pause = 0; pauses.length < 10; pauses.push(pause)) pause = nextPauseMs(pause, 100);
  expect(pauses.slice(0, 4)).toEqual([250, 500, 1000, 2000]);
  expect(pauses.at(-1)).toBe(LONGEST_PAUSE_MS);
});

it('begins anew after the child ran well', () => {
  expect(nextPauseMs(16_000, WELL_AFTER_MS)).toBe(FIRST_PAUSE_MS);
  expect(nextPauseMs(16_000, WELL_AFTER_MS - 1)).toBe(LONGEST_PAUSE_MS);
});
