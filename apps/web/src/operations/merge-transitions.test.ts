import { expect, it } from 'vitest';
import { mergeTransitions, refreshTransitions } from './merge-transitions';

const items = (...cursors: string[]) => cursors.map((cursor) => ({ cursor }));

it('shows the newest first, each once, and a bounded number', () => {
  const first = mergeTransitions(items('c2', 'c1'), items('c3'), 10);
  expect(first).toEqual(items('c3', 'c2', 'c1'));
  expect(mergeTransitions(first, items('c2', 'c3', 'c4', 'c4'), 10)).toEqual(items('c4', 'c3', 'c2', 'c1'));
  expect(mergeTransitions(first, items('c4'), 2)).toEqual(items('c4', 'c3'));
});

const dated = (...minutes: number[]) => minutes.map((minute) => ({ cursor: `c${minute}`, at: `2026-11-21T10:0${minute}:00Z` }));

it('keeps what came while the list was read anew', () => {
  expect(refreshTransitions(dated(5, 4, 3), dated(4, 3, 2), 10)).toEqual(dated(5, 4, 3, 2));
  expect(refreshTransitions(dated(2, 1), dated(6, 5), 10)).toEqual(dated(6, 5));
  expect(refreshTransitions(dated(7), dated(6, 5), 10)).toEqual(dated(7, 6, 5));
  expect(refreshTransitions([], dated(2, 1), 10)).toEqual(dated(2, 1));
});
