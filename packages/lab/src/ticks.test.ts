import { expect, it } from 'vitest';
import { parseTick } from './ticks.js';

it('reads a round of the writer and its errors', () => {
  const tick = parseTick('T 7 boot=00a1f2 mem=3 a=100us b=200us gap=20100us', 5);
  expect(tick).toEqual({ n: 7, bootId: '00a1f2', mem: 3, aUs: 100, bUs: 200, gapUs: 20100, hasError: false, receivedMs: 5 });
  expect(parseTick('T 7 boot=00a1f2 mem=3 a=100us b=200us gap=20100us EA=28', 5)?.hasError).toBe(true);
});

it('passes over the start line and cut lines', () => {
  expect(parseTick('START a=0 b=0', 0)).toBeUndefined();
  expect(parseTick('1f2 mem=3 a=100us', 0)).toBeUndefined();
});
