import { describe, expect, it } from 'vitest';
import { ModelWorld } from './testing/model-world.js';
import { runDelete } from './testing/run-delete.js';
import { runCreate, runRevert } from './testing/run-tree.js';
import type { Weather } from './testing/trouble.js';

const CLUSTERS = 8;
const NODES = ['s1', 's2', 's3', 's4', 's5'];

function calm(seed = 0): Weather {
  return { trouble: { kind: 'NONE', after: 0 }, guests: { seed, written: 0 } };
}

/** s1 ─┬─ s2 ── s3 and s1 ─┴─ s4 ── s5 (current), each over its own writes. The names are those of NODES, in the world's own ids. */
function twoBranches(): { world: ModelWorld; ids: Map<string, string> } {
  const world = new ModelWorld(CLUSTERS);
  const ids = new Map<string, string>();
  world.setPower('a', true);
  for (const [index, name] of NODES.entries()) {
    const root = world.snapshots.find((one) => one.id === ids.get('s1'));
    if (name === 's4' && root) runRevert(world, root, { snapshotFirst: false, start: true, weather: calm() });
    for (const volumeId of ['a0', 'a1']) {
      for (const at of [index, index + 2, index + 5]) world.write(volumeId, at, world.next());
    }
    runCreate(world, 'a', { volumeIds: null, kind: 'DISK', weather: calm() });
    ids.set(name, world.snapshots.at(-1)?.id ?? '');
  }
  for (const volumeId of ['a0', 'a1']) world.write(volumeId, 7, world.next());
  return { world, ids };
}

function permutations(of: readonly string[]): string[][] {
  if (of.length === 0) return [[]];
  return of.flatMap((first) => permutations(of.filter((one) => one !== first)).map((rest) => [first, ...rest]));
}

function deleteInOrder(order: readonly string[], guests: 'running' | 'stopped'): ModelWorld {
  const { world, ids } = twoBranches();
  if (guests === 'stopped') world.setPower('a', false);
  for (const [index, name] of order.entries()) {
    runDelete(world, 'a', {
      doomed: { snapshotIds: [ids.get(name) ?? ''], withDescendants: false },
      hidden: () => false,
      checkpointedVolumeIds: new Set(),
      restLimitBytes: 1024,
      weather: calm(index + 1),
    });
    world.look(`deleting ${name}`);
    world.audit(`deleting ${name}`);
  }
  return world;
}

describe('deleting five snapshots of two branches in every order', () => {
  const orders = permutations(NODES);

  it('is 120 orders', () => {
    expect(orders).toHaveLength(120);
  });

  it.each(orders.map((order) => order.join(' ')))('%s: every survivor reads the same after every step, stopped', (order) => {
    const world = deleteInOrder(order.split(' '), 'stopped');
    expect(world.record.pins).toEqual([]);
    // Each volume is one file over its template, or over nothing; the raw base stays below the first head that was put over it.
    expect(world.files.names()).toHaveLength(world.record.layers.length);
    expect(world.record.layers.filter((layer) => !layer.isTemplate)).toHaveLength(2);
  });

  it.each(orders.map((order) => order.join(' ')))('%s: the same while the guest writes on', (order) => {
    const world = deleteInOrder(order.split(' '), 'running');
    // One layer may rest under each head until the machine stops.
    expect(world.record.layers.filter((layer) => !layer.isTemplate).length).toBeLessThanOrEqual(4);
    world.setPower('a', false);
    runDelete(world, 'a', {
      doomed: { snapshotIds: [], withDescendants: false },
      hidden: () => false,
      checkpointedVolumeIds: new Set(),
      restLimitBytes: 1024,
      weather: calm(),
    });
    world.look('stopping');
    world.audit('stopping');
    expect(world.record.layers.filter((layer) => !layer.isTemplate)).toHaveLength(2);
  });
});
