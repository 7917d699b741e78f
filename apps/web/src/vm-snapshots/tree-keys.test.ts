import { expect, it } from 'vitest';
import { toKnownTree } from './tree-changes';
import { keyIntent, nextByKey } from './tree-keys';
import { layoutTree } from './tree-layout';

const node = (id: string, parent: string | null, minute: number) => ({
  id,
  state: 'READY',
  createdAt: `2026-11-21T10:0${minute}:00Z`,
  parent: parent === null ? null : { id: parent },
});
// Rows: s1, s2 (side branch), s3, head.
const rows = layoutTree(toKnownTree([node('s1', null, 1), node('s2', 's1', 2), node('s3', 's1', 3)], 's3', 1).nodes, 's3');

it.each([
  ['s1', 'ArrowDown', 's2'],
  ['s2', 'ArrowDown', 's3'],
  ['s3', 'ArrowDown', undefined],
  ['s3', 'ArrowUp', 's2'],
  ['s1', 'ArrowUp', undefined],
  ['s3', 'ArrowLeft', 's1'],
  ['s1', 'ArrowLeft', undefined],
  ['s1', 'ArrowRight', 's2'],
  ['s2', 'ArrowRight', undefined],
  ['s3', 'Home', 's1'],
  ['s1', 'End', 's3'],
  ['s1', 'a', undefined],
  ['gone', 'ArrowDown', undefined],
])('from %s, %s leads to %s', (from, key, to) => {
  expect(nextByKey(rows, from, key)).toBe(to);
});

const plain = { altKey: false, ctrlKey: false, metaKey: false, shiftKey: false };

it.each([
  [{ key: 'ArrowDown' }, { kind: 'go', id: 's2', isExtending: false }],
  [
    { key: 'ArrowDown', shiftKey: true },
    { kind: 'go', id: 's2', isExtending: true },
  ],
  [
    { key: 'End', shiftKey: true },
    { kind: 'go', id: 's3', isExtending: false },
  ],
  [{ key: ' ' }, { kind: 'toggle' }],
  [{ key: 'Enter' }, { kind: 'open' }],
  [{ key: 'Delete' }, { kind: 'delete' }],
  [{ key: 'Escape' }, { kind: 'none' }],
  [{ key: 'a', ctrlKey: true }, { kind: 'all' }],
  [{ key: 'A', metaKey: true }, { kind: 'all' }],
  [{ key: 'a', ctrlKey: true, altKey: true }, null],
  [{ key: 'ArrowDown', ctrlKey: true }, null],
  [{ key: 'Delete', metaKey: true }, null],
  [{ key: 'x' }, null],
])('%o asks for %o', (pressed, intent) => {
  expect(keyIntent(rows, 's1', { ...plain, ...pressed })).toEqual(intent);
});
