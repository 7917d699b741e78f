import { expect, it } from 'vitest';
import { compareRows } from './row-motion';

it('moves what stands elsewhere, and lets go what is gone from where it stood', () => {
  expect(compareRows(['s1', 's2', 's3', 'head'], ['s1', 's3', 'head'])).toEqual({
    moved: [
      { id: 's3', byRows: 1 },
      { id: 'head', byRows: 1 },
    ],
    departed: [{ id: 's2', index: 1 }],
  });
  expect(compareRows(['a', 'b', 'head'], ['b', 'a', 'c', 'head'])).toEqual({
    moved: [
      { id: 'b', byRows: 1 },
      { id: 'a', byRows: -1 },
      { id: 'head', byRows: -1 },
    ],
    departed: [],
  });
});

it('moves nothing that was not there before', () => {
  expect(compareRows([], ['a', 'head'])).toEqual({ moved: [], departed: [] });
  expect(compareRows(['a', 'head'], ['a', 'head'])).toEqual({ moved: [], departed: [] });
});
