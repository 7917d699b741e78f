import { expect, it } from 'vitest';
import { backOffMs } from './back-off';

it('waits longer each time, never longer than eight seconds, and never all browsers at once', () => {
  expect([0, 1, 2, 3].map((attempt) => backOffMs(attempt, 0.999))).toEqual([400, 800, 1599, 3198]);
  expect(backOffMs(1_000, 0.999)).toBeLessThanOrEqual(8_000);
  expect(backOffMs(0, 0)).toBe(200);
});
