import { expect, it } from 'vitest';
import { someFacts, someLayer, someSnapshot, someVolume } from '../../testing/machine-facts.js';
import type { MachineFacts } from '../machine-facts.store.js';
import { planDestroy } from './plan-destroy.js';

/** base ← frozen (pinned by s1) ← head, all of v; `changed` adds what others have. */
function tree(changed: Partial<MachineFacts> = {}): MachineFacts {
  return someFacts({
    volumes: [someVolume({ headLayerId: 'l2' })],
    layers: [
      someLayer('l0'),
      someLayer('l1', { backingLayerId: 'l0' }),
      someLayer('l2', { backingLayerId: 'l1' }),
      ...(changed.layers ?? []),
    ],
    snapshots: [someSnapshot('s1')],
    pins: [{ snapshotId: 's1', volumeId: 'v', layerId: 'l1' }, ...(changed.pins ?? [])],
    heads: [head('v', 'l2', 'm'), ...(changed.heads ?? [])],
  });
}

function head(volumeId: string, headLayerId: string, machineId: string | null): MachineFacts['heads'][number] {
  return { volumeId, target: null, headLayerId, nextLayerNumber: 9, machineId, isRunning: false };
}

const ids = (plan: ReturnType<typeof planDestroy>) => plan.discarded.map((layer) => layer.id);

it('discards everything that nobody else reads, readers before what they read', () => {
  expect(ids(planDestroy(tree()))).toEqual(['l2', 'l1', 'l0']);
});

it('leaves what a clone’s head reads, and hands it over to the clone', () => {
  const plan = planDestroy(tree({ layers: [someLayer('k1', { volumeId: 'w', backingLayerId: 'l1' })], heads: [head('w', 'k1', 'm2')] }));
  expect(ids(plan)).toEqual(['l2']);
  expect(plan.handedOver).toEqual([
    { layerId: 'l0', volumeId: 'w' },
    { layerId: 'l1', volumeId: 'w' },
  ]);
});

it('leaves what another machine’s snapshot pins, and what a volume reads that is detached', () => {
  const pinned = planDestroy(
    tree({
      layers: [someLayer('k1', { volumeId: 'w', backingLayerId: 'l0' })],
      pins: [{ snapshotId: 'other', volumeId: 'w', layerId: 'k1' }],
    }),
  );
  expect(ids(pinned)).toEqual(['l2', 'l1']);
  const detached = planDestroy(
    tree({ layers: [someLayer('k1', { volumeId: 'w', backingLayerId: 'l1' })], heads: [head('w', 'k1', null)] }),
  );
  expect(ids(detached)).toEqual(['l2']);
});

it('leaves templates, with what they read, and discards layers of the machine that nothing reaches any more', () => {
  const facts = tree({ layers: [someLayer('l7', { backingLayerId: 'l0' })] });
  const layers = facts.layers.map((layer) => (layer.id === 'l0' ? { ...layer, isTemplate: true } : layer));
  expect(ids(planDestroy({ ...facts, layers })).toSorted()).toEqual(['l1', 'l2', 'l7']);
});
