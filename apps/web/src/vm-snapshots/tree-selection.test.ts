import { describe, expect, it } from 'vitest';
import { toKnownTree, type TreeNode } from './tree-changes';
import { descendantsOf, extendTo, NO_SELECTION, prune, successorOf, toggle } from './tree-selection';

/** `s2<s1` is a snapshot s2 under s1. */
function grow(text: string): ReadonlyMap<string, TreeNode> {
  const nodes = text.split(' ').map((word): TreeNode => {
    const [id = '', parentId] = word.split('<');
    return { id, state: 'READY', createdAt: '2026-11-21T10:00:00Z', parent: parentId === undefined ? null : { id: parentId } };
  });
  return toKnownTree(nodes, null, 1).nodes;
}

const order = ['s1', 's2', 's3', 's4', 's5'];
const chosen = (...ids: string[]) => ids.reduce(toggle, NO_SELECTION);

describe('several snapshots at once', () => {
  it('are chosen one by one, and put back', () => {
    expect([...toggle(chosen('s1', 's3'), 's1').ids]).toEqual(['s3']);
  });

  it('are chosen as a range from where the last one was chosen, in both directions', () => {
    expect([...extendTo(chosen('s2'), order, { fromId: 's2', id: 's4' }).ids]).toEqual(['s2', 's3', 's4']);
    expect([...extendTo(chosen('s5', 's3'), order, { fromId: 's1', id: 's1' }).ids].sort()).toEqual(['s1', 's2', 's3', 's5']);
  });

  it('start a range at the row one is on where none was chosen yet', () => {
    const selection = extendTo(NO_SELECTION, order, { fromId: 's2', id: 's3' });
    expect([...selection.ids]).toEqual(['s2', 's3']);
    expect([...extendTo(selection, order, { fromId: 's3', id: 's4' }).ids]).toEqual(['s2', 's3', 's4']);
  });

  it('lose what has left the tree, and nothing else', () => {
    const selection = chosen('s1', 's2');
    expect(prune(selection, grow('s1 s2<s1'))).toBe(selection);
    expect(prune(selection, grow('s1'))).toEqual({ ids: new Set(['s1']), anchorId: null });
  });

  it('bring along all that grew from them', () => {
    const nodes = grow('s1 s2<s1 s3<s2 s4<s2 s5');
    expect([...descendantsOf(nodes, ['s1'])].sort()).toEqual(['s2', 's3', 's4']);
    expect([...descendantsOf(nodes, ['s3', 's5'])]).toEqual([]);
    expect([...descendantsOf(nodes, ['s1', 's2'])].sort()).toEqual(['s2', 's3', 's4']);
  });
});

describe('when the snapshot one was on leaves the tree', () => {
  const before = { nodes: grow('s1 s2<s1 s3<s2 s4<s1 t1'), order: ['s1', 's2', 's3', 's4', 't1'] };

  it('its parent is next, or the nearest ancestor that is there', () => {
    expect(successorOf('s3', before, grow('s1 s2<s1'))).toBe('s2');
    expect(successorOf('s3', before, grow('s1 s4<s1'))).toBe('s1');
  });

  it('a root leads to the row that took its place, the last one to the row above', () => {
    expect(successorOf('s1', before, grow('s2 s3<s2 s4 t1'))).toBe('s2');
    expect(successorOf('t1', before, grow('s1 s2<s1 s4<s1'))).toBe('s4');
  });

  it('and where nothing is left, nowhere', () => {
    expect(successorOf('s1', before, new Map())).toBeNull();
    expect(successorOf('unknown', before, grow('s1'))).toBe('s1');
  });
});
