/** Merges in the chain of a running machine, which stands at its firmware: QEMU writes for it, and reads back what every layer shows. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { HostWorld } from '../../testing/host-world.js';
import { TestLayers, type Write } from '../../testing/test-layers.js';
import { resultOf, type TestMachine } from '../../testing/test-machine.js';
import { until } from '../../testing/until.js';

let world: HostWorld;
let machine: TestMachine;
let layers: TestLayers;

beforeAll(async () => {
  ({ world, machine } = await HostWorld.withMachine());
});
afterAll(() => world.close());

/** Layers 0 to 4 with the machine on layer 4, and a branch, layer 5, over layer 3. */
beforeEach(async () => {
  layers = await TestLayers.underMachine(world, machine, 5);
});

async function guestWrites(writes: readonly Write[]): Promise<void> {
  await layers.writeLive(machine, 4, writes);
}

function live(run: number[], into: number, changes: Parameters<TestLayers['merge']>[2] = {}) {
  return layers.merge(run, into, { how: 'LIVE', machineUuid: machine.uuid, target: 'vda', ...changes });
}

async function liveFiles(): Promise<string> {
  return world.virsh('dumpxml', 'g1');
}

it('layers inside the chain go down into the lowest, while the machine writes; the other branch follows', async () => {
  const body = live([3, 2, 1], 1, { above: [layers.link(4)], readers: [layers.link(4), layers.link(5)], bytesPerSecond: 256 * 1024 });
  const command = world.api.issue(body);
  await until('the job', async () => (await world.virsh('blockjob', 'g1', 'vda', '--raw')).includes('Commit'));
  await guestWrites([{ block: 400, count: 3, byte: 66 }]);
  const result = resultOf((await world.api.finished(command)).outcome, 'merge-layers');
  layers.recordMerge([3, 2, 1], 1, [4, 5]);
  for (const [layer, isOpen] of [
    [4, true],
    [5, false],
    [1, true],
    [0, true],
  ] as const)
    await layers.requireView(layer, isOpen);
  for (const reader of [4, 5])
    expect(await world.imageInfo(layers.fileName(reader))).toMatchObject({
      'backing-filename': layers.path(1),
      'backing-filename-format': 'qcow2',
    });
  expect(result.bytesMoved).toBeGreaterThan(0);
  expect(await liveFiles()).not.toContain(layers.fileName(3));
  expect(await world.virsh('dumpxml', 'g1', '--inactive')).not.toContain('backingStore');
  await world.virsh('destroy', 'g1');
  await layers.requireView(4);
});

it('what is below the head comes up into it, down to a layer that stays, or all of it', async () => {
  const command = world.api.issue(live([4, 3, 2], 4, { bytesPerSecond: 256 * 1024 }));
  await until('the job', async () => (await world.virsh('blockjob', 'g1', 'vda', '--raw')).includes('Pull'));
  await guestWrites([{ block: 130, count: 40, byte: 67 }]);
  resultOf((await world.api.finished(command)).outcome, 'merge-layers');
  layers.recordMerge([4, 3, 2], 4, []);
  expect((await world.imageInfo(layers.fileName(4)))['backing-filename']).toBe(layers.path(1));
  resultOf(await world.api.run(live([4, 1, 0], 4)), 'merge-layers');
  layers.recordMerge([4, 1, 0], 4, []);
  expect((await world.imageInfo(layers.fileName(4)))['backing-filename']).toBeUndefined();
  for (const layer of [0, 1, 2, 3, 5]) await layers.requireView(layer);
  await world.virsh('destroy', 'g1');
  await layers.requireView(4);
});

it('a head is flattened, live and while it is off; the layers below go on being read', async () => {
  const body = {
    verb: 'flatten-layer',
    machineUuid: machine.uuid,
    volumeId: layers.volumeId,
    target: 'vda',
    bytesPerSecond: null,
  } as const;
  const links = (chain: number[]) => chain.map((layer) => layers.link(layer));
  const running = resultOf(await world.api.run({ ...body, chain: links([4, 3, 2, 1, 0]), downTo: 2 }), 'flatten-layer');
  expect(running.bytesMoved).toBeGreaterThan(0);
  expect(resultOf(await world.api.run({ ...body, chain: links([4, 2, 1, 0]), downTo: 1 }), 'flatten-layer').bytesMoved).toBe(0);
  await world.virsh('destroy', 'g1');
  resultOf(await world.api.run({ ...body, chain: links([4, 2, 1, 0]), downTo: 4 }), 'flatten-layer');
  expect((await world.imageInfo(layers.fileName(4)))['backing-filename']).toBeUndefined();
  for (const layer of [0, 1, 2, 3, 4, 5]) await layers.requireView(layer);
});

it('refuses what libvirt cannot do, a machine that is off, and a disk that has another job', async () => {
  const middle = live([3, 2, 1], 2, { above: [layers.link(4)] });
  const failed = (code: string) => ({ kind: 'failed', left: 'NOTHING', failure: { code } });
  expect(await world.api.run(middle)).toMatchObject(failed('CAPABILITY_DISABLED'));
  expect(await world.api.run(live([4, 3], 3))).toMatchObject(failed('CAPABILITY_DISABLED'));
  await world.virsh('blockcommit', 'g1', 'vda', '--base', layers.path(0), '--top', layers.path(1), '--bytes', '--bandwidth', '65536');
  expect(await world.api.run(live([4, 3], 4))).toMatchObject(failed('MACHINE_BUSY'));
  await world.virsh('blockjob', 'g1', 'vda', '--abort');
  await world.virsh('destroy', 'g1');
  expect(await world.api.run(live([4, 3], 4))).toMatchObject(failed('MACHINE_STATE'));
  for (const layer of [4, 5]) await layers.requireView(layer);
});
