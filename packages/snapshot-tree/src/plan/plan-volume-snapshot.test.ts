import { expect, it } from 'vitest';
import { LayerForest } from '../model/layer-forest.js';
import { clusters, head, layer } from '../testing/forest-builders.js';
import { planVolumeSnapshot, type VolumeSnapshotRequest } from './plan-volume-snapshot.js';

/** base ◀─ a ◀─ head */
const forest = new LayerForest([layer('base', null, clusters(0, 20)), layer('a', 'base', clusters(0, 6)), layer('head', 'a', [7])]);

function plan(changed: Partial<VolumeSnapshotRequest> = {}) {
  return planVolumeSnapshot({ forest, volume: head('head'), layerId: null, power: 'ON', quiesce: false, chainLimit: 64, ...changed });
}

function planned(changed: Partial<VolumeSnapshotRequest> = {}) {
  const answer = plan(changed);
  if (!answer.ok) throw new Error(answer.refusal.code);
  const { chain, freeze } = answer.value;
  return { chain: chain.map(({ id }) => id), freezes: freeze?.frozen.id ?? null, plan: answer.value.plan };
}

it('freezes what a running or paused machine writes, and copies the frozen layer', () => {
  for (const power of ['ON', 'PAUSED'] as const) {
    const { chain, freezes, plan: steps } = planned({ power });
    expect({ chain, freezes }).toEqual({ chain: ['head', 'a', 'base'], freezes: 'head' });
    expect(steps.steps.map(({ kind }) => kind)).toEqual(['CREATE_LAYER', 'FREEZE_LAYER', 'VERIFY_CHAIN', 'COPY_DATA']);
  }
});

it('copies what is at rest as it is: the head of a machine that is off, or any frozen layer', () => {
  expect(planned({ power: 'OFF' })).toMatchObject({ chain: ['head', 'a', 'base'], freezes: null });
  expect(planned({ layerId: 'a' })).toMatchObject({ chain: ['a', 'base'], freezes: null });
  expect(planned({ layerId: 'a' }).plan.steps.map(({ kind }) => kind)).toEqual(['VERIFY_CHAIN', 'COPY_DATA']);
});

it('moves at most what the layers hold, and never more than the disk', () => {
  const { plan: steps } = planned({ layerId: 'base' });
  expect(steps).toMatchObject({ bytesToMove: forest.layer('base').allocatedBytes, bytesFreed: 0, stopsMachine: false });
  expect(planned({ power: 'OFF' }).plan.bytesToMove).toBeLessThanOrEqual(forest.layer('head').virtualBytes);
});

it('needs room in the chain only where it freezes', () => {
  expect(plan({ chainLimit: 4 })).toMatchObject({ ok: false, refusal: { code: 'CHAIN_TOO_LONG', length: 3, limit: 4 } });
  expect(plan({ chainLimit: 4, layerId: 'head' }).ok).toBe(true);
});
