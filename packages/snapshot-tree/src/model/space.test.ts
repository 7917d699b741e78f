import { describe, expect, it } from 'vitest';
import { type Layer, LayerForest } from './layer-forest.js';
import { retainedLayers, spaceOfSnapshot } from './space.js';

function layer(id: string, backingLayerId: string | null, allocatedBytes: number): Layer {
  return {
    id,
    volumeId: 'v',
    fileName: id,
    format: 'qcow2',
    backingLayerId,
    virtualBytes: 100,
    allocatedBytes,
    isTemplate: false,
    data: null,
    isSpoiled: false,
  };
}

describe('space of a snapshot', () => {
  // base ← a ← head, and a branch a ← b that only s2 pins.
  const forest = new LayerForest([layer('base', null, 50), layer('a', 'base', 20), layer('b', 'a', 7), layer('head', 'a', 3)]);
  const heads = [{ volumeId: 'v', target: 'vda', headLayerId: 'head', nextLayerNumber: 9 }];
  const pin = (snapshotId: string, layerId: string) => ({ snapshotId, volumeId: 'v', layerId });

  it('is exclusive where nothing else reads it and shared for the rest', () => {
    const roots = { pins: [pin('s1', 'a'), pin('s2', 'b')], heads };
    expect(spaceOfSnapshot(forest, roots, 's2')).toEqual({ exclusiveBytes: 7, sharedBytes: 70, retainedBytes: 0 });
    expect(retainedLayers(forest, roots)).toEqual([]);
  });

  it('is retained where no snapshot pins a layer that two branches read', () => {
    const roots = { pins: [pin('s2', 'b')], heads };
    expect(retainedLayers(forest, roots).map((each) => each.id)).toEqual(['a']);
    expect(spaceOfSnapshot(forest, roots, 's2')).toEqual({ exclusiveBytes: 7, sharedBytes: 50, retainedBytes: 20 });
  });
});
