import { expect, it } from 'vitest';
import { coalesced } from './coalesced.js';

it('runs once more, and only once, for any number of calls during a run', async () => {
  let runs = 0;
  const work = coalesced(
    async () => {
      runs += 1;
      await Promise.resolve();
    },
    () => {},
  );
  work.nudge();
  expect(runs).toBe(1);
  for (let n = 0; n < 100; n += 1) work.nudge();
  await work.idle();
  expect(runs).toBe(2);
});

it('goes on after a run that failed, and tells', async () => {
  const told: unknown[] = [];
  let runs = 0;
  const work = coalesced(
    async () => {
      runs += 1;
      if (runs === 1) throw new Error('first');
    },
    (error) => told.push(error),
  );
  work.nudge();
  await work.idle();
  work.nudge();
  await work.idle();
  expect(runs).toBe(2);
  expect(told).toHaveLength(1);
});
