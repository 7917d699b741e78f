import { describe, expect, it } from 'vitest';
import { toKnownTree, type TreeNode } from './tree-changes';
import { layoutTree } from './tree-layout';

/** `s2<s1` is a snapshot s2 under s1; created in the order given. */
function lay(text: string, currentId: string | null) {
  const nodes = text.split(' ').map((word, index): TreeNode => {
    const [id = '', parentId] = word.split('<');
    const createdAt = new Date(1_700_000_000_000 + index * 1_000).toISOString();
    return { id, state: 'READY', createdAt, parent: parentId === undefined ? null : { id: parentId } };
  });
  return layoutTree(toKnownTree(text === '' ? [] : nodes, currentId, 1).nodes, currentId);
}

/** The rows as a drawing: lanes as indentation, `*` for the way to the head. */
const draw = (rows: ReturnType<typeof lay>) =>
  rows.map((row) => `${'. '.repeat(row.lane)}${row.snapshotId ?? 'head'}${row.isOnHeadPath ? '*' : ''}`);

describe('the layout of a tree', () => {
  it('keeps a chain in one lane, the head at its end', () => {
    expect(draw(lay('s1 s2<s1 s3<s2', 's3'))).toEqual(['s1*', 's2*', 's3*', 'head*']);
  });

  it('shows only the head where there is no snapshot yet', () => {
    expect(draw(lay('', null))).toEqual(['head*']);
  });

  it('puts side branches first, and the way to the head in its parent’s lane', () => {
    const rows = lay('s1 s2<s1 s3<s2 s4<s2', 's4');
    expect(draw(rows)).toEqual(['s1*', 's2*', '. s3', 's4*', 'head*']);
    expect(rows[2]?.passing).toEqual([{ lane: 0, isOnHeadPath: true }]);
    expect(rows[2]?.fromLane).toBe(0);
    expect(rows[3]?.fromLane).toBe(0);
  });

  it('leads from an inner current snapshot to the head past its children', () => {
    expect(draw(lay('s1 s2<s1 s3<s2', 's1'))).toEqual(['s1*', '. s2', '. s3', 'head*']);
  });

  it('keeps a snapshot that is being taken where it will be when it is ready', () => {
    const nodes = toKnownTree<TreeNode>(
      [
        { id: 's1', state: 'READY', createdAt: '2026-11-21T10:00:00Z', parent: null },
        { id: 's2', state: 'CREATING', createdAt: '2026-11-21T10:01:00Z', parent: { id: 's1' } },
      ],
      's1',
      1,
    ).nodes;
    expect(draw(layoutTree(nodes, 's1'))).toEqual(draw(layoutTree(nodes, 's2')));
  });

  it('nests branches inside branches, and keeps the larger one straight', () => {
    expect(draw(lay('r a<r b<a c<a d<c x<r', 'x'))).toEqual(['r*', '. a', '. . b', '. c', '. d', 'x*', 'head*']);
  });

  it('takes a node whose parent is gone for a root, roots side by side in lane 0', () => {
    const rows = lay('s2<gone s3<s2 t1', 's3');
    expect(draw(rows)).toEqual(['t1', 's2*', 's3*', 'head*']);
    expect(rows[0]?.fromLane).toBeNull();
    expect(rows[1]).toMatchObject({ fromLane: null, level: 1, positionInSet: 2, setSize: 2, passing: [] });
  });

  it('counts levels and positions as a screen reader needs them', () => {
    const rows = lay('s1 s2<s1 s3<s1', 's3');
    expect(rows.map((row) => [row.snapshotId, row.level, row.positionInSet, row.setSize])).toEqual([
      ['s1', 1, 1, 1],
      ['s2', 2, 1, 2],
      ['s3', 2, 2, 2],
      [null, 3, 1, 0],
    ]);
  });

  it('lays out five thousand in a chain', () => {
    const words = Array.from({ length: 5_000 }, (_, index) => (index === 0 ? 'n0' : `n${index}<n${index - 1}`));
    expect(lay(words.join(' '), 'n4999')).toHaveLength(5_001);
  });

  it('never draws a line through a node', () => {
    const rows = lay('r a<r b<a c<a d<c x<r y<x z<x', 'y');
    for (const row of rows) expect(row.passing.map((line) => line.lane)).not.toContain(row.lane);
  });
});
