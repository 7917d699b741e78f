import { describe, expect, it } from 'vitest';
import { ModelWorld } from './testing/model-world.js';
import { runDelete } from './testing/run-delete.js';
import { runCreate, runRevert } from './testing/run-tree.js';
import type { Trouble, Weather } from './testing/trouble.js';

/* Counterexamples of random-trees.test.ts, shrunk and told as stories. */

function weather(kind: Trouble['kind'] = 'NONE', after = 0): Weather {
  return { trouble: { kind, after }, guests: { seed: 0, written: 0 } };
}

function create(world: ModelWorld): string {
  runCreate(world, 'a', { volumeIds: ['a0'], kind: 'DISK', weather: weather() });
  return world.snapshots.at(-1)?.id ?? '';
}

function remove(world: ModelWorld, snapshotId: string, trouble: Trouble): void {
  runDelete(world, 'a', {
    doomed: { snapshotIds: [snapshotId], withDescendants: false },
    hidden: () => false,
    checkpointedVolumeIds: new Set(),
    restLimitBytes: 1024,
    weather: { ...weather(), trouble },
  });
  world.look('the delete');
  world.audit('the delete');
}

/** One snapshot of a running machine: `below` clusters under it, `above` in the head. */
function running(written: { below: number; above: number }): { world: ModelWorld; snapshotId: string } {
  const world = new ModelWorld(8);
  world.setPower('a', true);
  for (let at = 0; at < written.below; at += 1) world.write('a0', at, world.next());
  const snapshotId = create(world);
  for (let at = 0; at < written.above; at += 1) world.write('a0', 7 - at, world.next());
  return { world, snapshotId };
}

describe('found by random trees', () => {
  it('a pull that is cancelled at any step leaves a record that agrees with the header, also when that is written already', () => {
    for (let after = 0; after < 6; after += 1) {
      const { world, snapshotId } = running({ below: 2, above: 4 });
      remove(world, snapshotId, { kind: 'CANCEL', after });
      expect(world.record.layers.some((layer) => layer.isSpoiled)).toBe(false);
    }
  });

  it('a cancelled commit spoils the layer that it went into until a later delete goes on with it', () => {
    const { world, snapshotId } = running({ below: 6, above: 2 });
    remove(world, snapshotId, { kind: 'CANCEL', after: 3 });
    expect(world.record.layers.filter((layer) => layer.isSpoiled)).toHaveLength(1);
    remove(world, snapshotId, { kind: 'NONE', after: 0 });
    world.setPower('a', false);
    remove(world, create(world), { kind: 'NONE', after: 0 });
    expect(world.record.layers.filter((layer) => layer.isSpoiled)).toEqual([]);
    expect(world.snapshots).toEqual([]);
  });

  it('a T-trick that is cancelled has used up its file name, because a file has it', () => {
    const { world, snapshotId } = running({ below: 6, above: 2 });
    remove(world, snapshotId, { kind: 'CANCEL', after: 0 });
    create(world);
    expect(new Set(world.files.names()).size).toBe(world.files.names().length);
  });

  it('a revert to a safety snapshot at the limit of its chain would leave its head no place for a T-trick, so none is taken there', () => {
    const world = new ModelWorld(8);
    for (let n = 0; n < 4; n += 1) create(world);
    const [first] = world.snapshots;
    if (!first) throw new Error('no snapshot was taken');
    runRevert(world, first, { snapshotFirst: true, start: false, weather: weather() });
    expect(world.done.get('revert refused CHAIN_TOO_LONG')).toBe(1);
    runRevert(world, first, { snapshotFirst: false, start: false, weather: weather() });
    expect(world.done.get('revert DISK')).toBe(1);
  });
});
