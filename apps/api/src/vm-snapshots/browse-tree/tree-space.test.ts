import { describe, expect, it } from 'vitest';
import { type SpaceLayer, spaceOfTree } from './tree-space.js';

/** A layer of one volume: id, what it is written over, its bytes. */
function layer(id: string, backingLayerId: string | null, allocatedBytes: number): SpaceLayer {
  return { id, volumeId: 'v', backingLayerId, allocatedBytes, isTemplate: false };
}

const space = (exclusiveBytes: number, sharedBytes: number, retainedBytes = 0) => ({ exclusiveBytes, sharedBytes, retainedBytes });

describe('the space of a snapshot tree', () => {
  it('is nothing without snapshots', () => {
    expect(spaceOfTree([layer('0', null, 5)], [], new Set(['0'])).total).toEqual(space(0, 0));
  });

  it('is shared along a straight chain: the present state reads all of it', () => {
    const layers = [layer('0', null, 100), layer('1', '0', 20), layer('2', '1', 3)];
    const pins = [
      { snapshotId: 's1', layerId: '0' },
      { snapshotId: 's2', layerId: '1' },
    ];
    const tree = spaceOfTree(layers, pins, new Set(['2']));
    expect(tree.ofSnapshot('s1')).toEqual(space(0, 100));
    expect(tree.ofSnapshot('s2')).toEqual(space(0, 120));
    expect(tree.total).toEqual(space(0, 120));
  });

  it('is exclusive on a branch that only one snapshot reads', () => {
    const layers = [layer('0', null, 100), layer('1', '0', 20), layer('2', '0', 3)];
    const pins = [
      { snapshotId: 's1', layerId: '0' },
      { snapshotId: 's2', layerId: '1' },
    ];
    const tree = spaceOfTree(layers, pins, new Set(['2']));
    expect(tree.ofSnapshot('s2')).toEqual(space(20, 100));
    expect(tree.total).toEqual(space(20, 100));
  });

  it('is retained where a layer is named by nobody and several branches read it', () => {
    const layers = [layer('0', null, 100), layer('1', '0', 20), layer('2', '1', 3), layer('3', '1', 4)];
    const pins = [{ snapshotId: 's2', layerId: '2' }];
    const tree = spaceOfTree(layers, pins, new Set(['3']));
    expect(tree.retained).toEqual([{ volumeId: 'v', bytes: 20, readBy: ['s2'] }]);
    expect(tree.ofSnapshot('s2')).toEqual(space(3, 100, 20));
    expect(tree.ofSnapshot('unknown')).toEqual(space(0, 0));
  });

  it('takes time in proportion to the layers, not to their square', () => {
    const layers = Array.from({ length: 20_000 }, (_one, at) => layer(`${at}`, at === 0 ? null : `${at - 1}`, 1));
    const pins = layers.slice(0, -1).map((one) => ({ snapshotId: `s${one.id}`, layerId: one.id }));
    const started = performance.now();
    expect(spaceOfTree(layers, pins, new Set(['19999'])).ofSnapshot('s19998')).toEqual(space(0, 19_999));
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
