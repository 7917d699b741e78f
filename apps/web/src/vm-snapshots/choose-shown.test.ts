import { expect, it } from 'vitest';
import { chooseShown } from './choose-shown';
import { toKnownTree } from './tree-changes';

const node = (id: string, state: string, minute: number) => ({ id, state, createdAt: `2026-11-21T10:0${minute}:00Z` });
const tree = toKnownTree([node('s1', 'READY', 1), node('s2', 'READY', 2), node('s3', 'ERROR', 3)], 's1', 1);

it('shows what was chosen, while it is there', () => {
  expect(chooseShown(tree, 's2')?.id).toBe('s2');
  expect(chooseShown(tree, 'gone')?.id).toBe('s1');
});

it('shows by itself what is in work, else the current one, else the newest', () => {
  expect(chooseShown(toKnownTree([...tree.nodes.values(), node('s4', 'CREATING', 4)], 's1', 2), null)?.id).toBe('s4');
  expect(chooseShown(tree, null)?.id).toBe('s1');
  expect(chooseShown({ ...tree, currentId: null }, null)?.id).toBe('s3');
  expect(chooseShown(toKnownTree([], null, 1), null)).toBeNull();
});
