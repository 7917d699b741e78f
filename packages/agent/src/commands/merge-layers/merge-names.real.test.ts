/** Chains whose headers name the layers below otherwise than we do: as made by hand, by earlier versions, or before their folder was moved. */
import { symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HostWorld } from '../../testing/host-world.js';
import { TestLayers } from '../../testing/test-layers.js';
import { resultOf, type TestMachine } from '../../testing/test-machine.js';

let world: HostWorld;
let machine: TestMachine;
let linked: string;

beforeAll(async () => {
  ({ world, machine } = await HostWorld.withMachine());
  linked = join(world.dir, 'linked-pool');
  await symlink(world.poolDir, linked);
});
afterAll(() => world.close());

const NAMES = ['relative', 'through a link'] as const;

/** Through a link: the machine's definition names its head so, too. */
function layersNamed(names: (typeof NAMES)[number]): TestLayers {
  return names === 'relative'
    ? new TestLayers(world, 512, { pool: 'pool', dir: world.poolDir, nameOf: basename })
    : new TestLayers(world, 512, { pool: 'pool', dir: linked });
}

async function expectOver(layers: TestLayers, layer: number, below: number): Promise<void> {
  const name = (await world.imageInfo(layers.fileName(layer)))['backing-filename'];
  expect([layers.path(below), join(world.poolDir, layers.fileName(below))]).toContain(name);
}

it.each(NAMES)('names that are %s: merged into and out of while the machine runs, and what is read is not discarded', async (names) => {
  const layers = layersNamed(names);
  await layers.putUnder(machine, 5);
  const live = { how: 'LIVE', machineUuid: machine.uuid, target: 'vda' } as const;
  const readers = [layers.link(4), layers.link(5)];
  resultOf(await world.api.run(layers.merge([3, 2], 2, { ...live, above: [layers.link(4)], readers })), 'merge-layers');
  layers.recordMerge([3, 2], 2, [4, 5]);
  await expectOver(layers, 4, 2);
  await expectOver(layers, 5, 2);
  resultOf(await world.api.run(layers.merge([4, 2], 4, live)), 'merge-layers');
  layers.recordMerge([4, 2], 4, []);
  await expectOver(layers, 4, 1);
  const discard = { verb: 'discard-layers', machineUuid: machine.uuid } as const;
  const files = (layer: number) => ({
    layers: [{ volumeId: layers.volumeId, pool: 'pool', fileName: layers.fileName(layer) }],
    snapshotFiles: [],
  });
  expect(await world.api.run({ ...discard, ...files(2) })).toMatchObject({ kind: 'failed', failure: { code: 'MACHINE_DRIFTED' } });
  resultOf(await world.api.run({ ...discard, ...files(3) }), 'discard-layers');
  await world.virsh('destroy', 'g1');
  for (const layer of [0, 1, 2, 4, 5]) await layers.requireView(layer);
});

it.each(NAMES)('names that are %s: merged with nobody on them', async (names) => {
  const layers = layersNamed(names);
  await layers.makeChain(5);
  await layers.make(5, 4, [{ block: 3, count: 2, byte: 99 }]);
  resultOf(await world.api.run(layers.merge([4, 3, 2], 3, { readers: [layers.link(5)] })), 'merge-layers');
  layers.recordMerge([4, 3, 2], 3, [5]);
  await expectOver(layers, 5, 3);
  await expectOver(layers, 3, 1);
  for (const layer of [0, 1, 3, 5]) await layers.requireView(layer);
});
