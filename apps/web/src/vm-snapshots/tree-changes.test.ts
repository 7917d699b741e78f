import { describe, expect, it } from 'vitest';
import { applyTreeChange, type KnownTree, takeReadTree, toKnownTree, type TreeChange, type TreeNode } from './tree-changes';

function node(id: string, parentId: string | null = null, state = 'READY'): TreeNode {
  return { id, state, createdAt: '2026-11-21T10:00:00Z', parent: parentId === null ? null : { id: parentId } };
}

/** Applies all, as the page does: stale ones dropped, a jump ends it. */
function applyAll(tree: KnownTree<TreeNode>, changes: TreeChange<TreeNode>[]): KnownTree<TreeNode> | 'jump' {
  let known = tree;
  for (const change of changes) {
    const outcome = applyTreeChange(known, change);
    if (outcome.kind === 'jump') return 'jump';
    if (outcome.kind === 'applied') known = outcome.tree;
  }
  return known;
}

const start = toKnownTree([node('s1'), node('s2', 's1')], 's2', 5);
const added: TreeChange<TreeNode> = {
  revision: 6,
  kind: 'ADDED',
  snapshotId: 's3',
  parentId: 's2',
  currentId: 's2',
  snapshot: node('s3', 's2', 'CREATING'),
};
const ready: TreeChange<TreeNode> = {
  revision: 7,
  kind: 'UPDATED',
  snapshotId: 's3',
  parentId: 's2',
  currentId: 's2',
  snapshot: node('s3', 's2'),
};
const moved: TreeChange<TreeNode> = {
  revision: 8,
  kind: 'HEAD_MOVED',
  snapshotId: 's3',
  parentId: null,
  currentId: 's3',
  snapshot: node('s3', 's2'),
};

describe('changes of a tree', () => {
  it('add a node, make it ready, and move the head to it', () => {
    const tree = applyAll(start, [added, ready, moved]);
    expect(tree).toEqual(toKnownTree([node('s1'), node('s2', 's1'), node('s3', 's2')], 's3', 8));
  });

  it('are applied once, however often they are delivered', () => {
    const once = applyAll(start, [added, ready, moved]);
    const often = applyAll(start, [added, added, ready, added, ready, moved, moved]);
    expect(often).toEqual(once);
  });

  it('that are already in what was read change nothing', () => {
    expect(applyTreeChange(start, { ...added, revision: 5 })).toEqual({ kind: 'stale' });
  });

  it('that skip a revision ask for the whole tree', () => {
    expect(applyAll(start, [added, moved])).toBe('jump');
  });

  it('remove a node and hang its child under the grandparent', () => {
    const tree = applyAll(toKnownTree([node('s1'), node('s2', 's1'), node('s3', 's2')], 's3', 5), [
      { revision: 6, kind: 'REMOVED', snapshotId: 's2', currentId: 's3', snapshot: null },
      { revision: 7, kind: 'REPARENTED', snapshotId: 's3', parentId: 's1', currentId: 's3', snapshot: node('s3', 's1') },
    ]);
    expect(tree).toEqual(toKnownTree([node('s1'), node('s3', 's1')], 's3', 7));
  });

  it('of a node that is gone by now leave a hole that its removal does not mind', () => {
    const tree = applyAll(start, [
      { ...added, snapshot: null },
      { revision: 7, kind: 'REMOVED', snapshotId: 's3', currentId: 's2', snapshot: null },
    ]);
    expect(tree).toEqual({ ...start, revision: 7 });
  });

  it('place a node where that revision had it, not where it went later', () => {
    const tree = applyAll(start, [{ ...added, snapshot: node('s3', 's1') }]);
    expect(tree === 'jump' ? null : tree.nodes.get('s3')?.parent).toEqual({ id: 's2' });
  });
});

describe('a tree read as a whole', () => {
  it('replaces an older one, and what is known stays when the answer is older', () => {
    const newer = toKnownTree([node('s1')], 's1', 9);
    expect(takeReadTree(start, newer)).toBe(newer);
    expect(takeReadTree(newer, start)).toBe(newer);
    expect(takeReadTree(null, start)).toBe(start);
  });
});
