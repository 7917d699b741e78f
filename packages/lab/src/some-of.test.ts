import { expect, it } from 'vitest';
import { someOf } from './some-of.js';

it('takes the first, the last and some between, and all where there are not more', () => {
  expect(someOf([1, 2, 3, 4, 5, 6, 7], 3)).toEqual([1, 4, 7]);
  expect(someOf([1, 2, 3], 1)).toEqual([1]);
  expect(someOf([1, 2], 3)).toEqual([1, 2]);
});
