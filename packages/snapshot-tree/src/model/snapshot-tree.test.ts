import { describe, expect, it } from 'vitest';
import { depthOf, parentsFirst } from './snapshot-tree.js';

describe('the snapshot tree', () => {
  it('lists parents before children, whatever the order given', () => {
    const nodes = [
      { id: 'c', parentId: 'a' },
      { id: 'b', parentId: 'a' },
      { id: 'd', parentId: 'b' },
      { id: 'a', parentId: null },
    ];
    expect(parentsFirst(nodes).map((node) => node.id)).toEqual(['a', 'c', 'b', 'd']);
    expect(depthOf(nodes)).toBe(3);
  });

  it('refuses a missing parent and a loop', () => {
    expect(() => parentsFirst([{ id: 'a', parentId: 'x' }])).toThrow('parent x is not in the tree');
    expect(() =>
      parentsFirst([
        { id: 'a', parentId: 'b' },
        { id: 'b', parentId: 'a' },
      ]),
    ).toThrow('loop');
  });

  it('has depth 0 when empty', () => {
    expect(depthOf([])).toBe(0);
  });
});
