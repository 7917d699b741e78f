import { expect, it } from 'vitest';
import { sayAftermath } from './delete-words';

const node = (id: string, parentId: string | null) => ({
  id,
  name: id,
  state: 'READY',
  createdAt: '2026-11-21T10:00:00Z',
  parent: parentId === null ? null : { id: parentId },
});
const nodes = new Map([node('s1', null), node('s2', 's1'), node('s3', 's2'), node('s4', 's2')].map((each) => [each.id, each] as const));
const after = (currentId: string, ...gone: string[]) => sayAftermath({ nodes, currentId }, new Set(gone));

it('says where the children go', () => {
  expect(after('s4', 's2')).toEqual(['“s3” and “s4” move up to “s1”.']);
  expect(after('s4', 's1')).toEqual(['“s2” moves to the top of the tree.']);
  expect(after('s4', 's1', 's2')).toEqual(['“s3” and “s4” move to the top of the tree.']);
  expect(after('s4', 's3')).toEqual([]);
});

it('says which one is current afterwards', () => {
  expect(after('s4', 's4')).toEqual(['“s2” becomes the current one; the present state stays as it is.']);
  expect(after('s4', 's1', 's2', 's3', 's4')).toEqual(['No snapshot will be current; the present state stays as it is.']);
});
