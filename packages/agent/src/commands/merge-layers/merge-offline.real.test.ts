/** Merges of layers that no machine has open: content of every reader, names, definition; refused, cancelled, out of space, killed. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HostWorld } from '../../testing/host-world.js';
import { TestLayers } from '../../testing/test-layers.js';
import { resultOf, type TestMachine } from '../../testing/test-machine.js';

let world: HostWorld;
let machine: TestMachine;

beforeAll(async () => {
  ({ world, machine } = await HostWorld.withMachine());
});
afterAll(() => world.close());

it.each([
  { run: [4, 3], into: 4 },
  { run: [4, 3], into: 3 },
  { run: [4, 3, 2], into: 3 },
  { run: [4, 3, 2, 1], into: 2 },
  { run: [4, 3, 2, 1, 0], into: 0 },
  { run: [4, 3, 2, 1, 0], into: 2 },
  { run: [4, 3, 2, 1, 0], into: 4 },
])('a branch of which no machine is part: $run into $into, with two readers above', async ({ run, into }) => {
  const layers = new TestLayers(world);
  await layers.makeChain(5);
  await layers.make(5, 4, [{ block: 3, count: 2, byte: 99 }]);
  await layers.make(6, 4, []);
  const body = layers.merge(run, into, { readers: [layers.link(5), layers.link(6)] });
  const result = resultOf(await world.api.run(body), 'merge-layers');
  layers.recordMerge(run, into, [5, 6]);
  for (const layer of [into, 5, 6, Math.min(...run) - 1]) if (layer >= 0) await layers.requireView(layer);
  const below = run.at(-1) === 0 ? undefined : layers.path((run.at(-1) ?? 0) - 1);
  const info = await world.imageInfo(layers.fileName(into));
  expect(info['backing-filename']).toBe(below);
  for (const reader of [5, 6]) {
    const readerInfo = await world.imageInfo(layers.fileName(reader));
    expect(readerInfo).toMatchObject({ 'backing-filename': layers.path(into), 'backing-filename-format': 'qcow2' });
  }
  expect(result).toMatchObject({ virtualBytes: 32 * 1024 * 1024 });
  expect(result.bytesMoved).toBeGreaterThan(0);
});

it('tells how many bytes it copies, and copies no more', async () => {
  const layers = new TestLayers(world);
  await layers.make(0, null, [{ block: 0, count: 16, byte: 1 }]);
  await layers.make(1, 0, [{ block: 8, count: 16, byte: 2 }]);
  await layers.make(2, 1, [
    { block: 20, count: 8, byte: 3 },
    { block: 100, count: 200, byte: 0 },
  ]);
  const result = resultOf(await world.api.run(layers.merge([2, 1, 0], 1)), 'merge-layers');
  layers.recordMerge([2, 1, 0], 1, []);
  await layers.requireView(1);
  // Eight blocks of layer 2 come down, eight of layer 0 that layer 1 does not cover come up; zeros move no bytes.
  expect(result.bytesMoved).toBe(16 * 64 * 1024);
  expect(result.allocatedBytes).toBeLessThan(40 * 64 * 1024);
  await layers.make(3, 1, []);
  for (const into of [1, 3]) {
    await layers.make(4, into, []);
    expect(resultOf(await world.api.run(layers.merge([4, into], into)), 'merge-layers').bytesMoved).toBe(0);
    await layers.requireView(into);
  }
});

it('the head of a machine that is off goes down into its backing: the definition follows, without a spelled chain, and it starts', async () => {
  const layers = new TestLayers(world);
  await layers.makeChain(4);
  await layers.attach(machine, 3);
  const changes = { machineUuid: machine.uuid, target: 'vda' };
  resultOf(await world.api.run(layers.merge([3, 2], 2, changes)), 'merge-layers');
  layers.recordMerge([3, 2], 2, []);
  expect((await world.sources(machine, true))['vda']).toBe(layers.fileName(2));
  const steps = world.api.all('command.progressed').filter(({ step }) => step === 'COMMIT_LAYER');
  expect(steps.at(-1)).toMatchObject({ state: 'SUCCEEDED', target: 'vda' });
  await world.virsh('start', '--paused', 'g1');
  await layers.requireView(2, true);
  const refused = await world.api.run(layers.merge([2, 1], 1, changes));
  expect(refused).toMatchObject({ kind: 'failed', left: 'NOTHING', failure: { code: 'MACHINE_STATE', retryable: true } });
  // A branch that the record does not connect with the machine is refused by QEMU's own locks.
  const locked = await world.api.run(layers.merge([2, 1], 2));
  expect(locked).toMatchObject({ kind: 'failed', left: 'NOTHING', failure: { code: 'MACHINE_STATE', retryable: true } });
  await world.virsh('destroy', 'g1');
  resultOf(await world.api.run(layers.merge([2, 1], 2, changes)), 'merge-layers');
  layers.recordMerge([2, 1], 2, []);
  await layers.requireView(2);
  expect(await readFile(layers.path(1))).toBeDefined();
});

it('inside the chain of a machine that is off, a spelled chain goes out of its definition', async () => {
  const layers = new TestLayers(world);
  await layers.makeChain(4);
  await layers.attach(machine, 3);
  await layers.make(4, 3, []);
  await world.virsh('start', '--paused', 'g1');
  const disks = ['--diskspec', `vda,file=${layers.path(4)}`, '--diskspec', 'vdb,snapshot=no'];
  await world.virsh('snapshot-create-as', 'g1', '--disk-only', '--no-metadata', '--reuse-external', ...disks);
  await world.virsh('destroy', 'g1');
  expect(await world.virsh('dumpxml', 'g1', '--inactive')).toContain('backingStore');
  const above = [layers.link(4), layers.link(3)];
  const changes = { machineUuid: machine.uuid, target: 'vda', above, readers: [layers.link(3)] };
  resultOf(await world.api.run(layers.merge([2, 1], 1, changes)), 'merge-layers');
  layers.recordMerge([2, 1], 1, [3]);
  await layers.requireView(4);
  expect(await world.virsh('dumpxml', 'g1', '--inactive')).not.toContain('backingStore');
});

it.each([
  { into: 1, run: [2, 1] },
  { into: 2, run: [2, 1] },
  { into: 1, run: [3, 2, 1] },
])("dirty bitmaps of the reader are carried over a merge of $run into $into, and others' go", async ({ run, into }) => {
  const layers = new TestLayers(world);
  await layers.make(0, null, [{ block: 0, count: 8, byte: 1 }]);
  await layers.make(1, 0, []);
  for (const name of ['b', 'stale']) await layers.addBitmap(1, name);
  await layers.write(1, [{ block: 16, count: 1, byte: 2 }]);
  await layers.make(2, 1, []);
  await layers.addBitmap(2, 'b');
  await layers.write(2, [{ block: 32, count: 1, byte: 3 }]);
  await layers.make(3, 2, []);
  for (const name of ['b', 'late']) await layers.addBitmap(3, name);
  await layers.write(3, [{ block: 48, count: 1, byte: 4 }]);
  resultOf(await world.api.run(layers.merge(run, into, { readers: run[0] === 2 ? [layers.link(3)] : [] })), 'merge-layers');
  expect(await layers.dirtyBlocks(into, 'b')).toEqual(run[0] === 2 ? [16, 32] : [16, 32, 48]);
  const bitmaps = JSON.stringify((await world.imageInfo(layers.fileName(into)))['format-specific']);
  expect(bitmaps).not.toContain('stale');
  expect(bitmaps).not.toContain('in-use');
  if (run[0] === 3) expect(await layers.dirtyBlocks(into, 'late')).toEqual([48]);
});

it('a raw root takes a commit, with zeros; the layers above read it as raw', async () => {
  const layers = new TestLayers(world);
  await layers.makeRaw(0, [{ block: 0, count: 64, byte: 1 }]);
  await layers.make(1, 0, [
    { block: 8, count: 8, byte: 2 },
    { block: 32, count: 8, byte: 0 },
  ]);
  await layers.make(2, 1, [{ block: 12, count: 2, byte: 3 }]);
  resultOf(await world.api.run(layers.merge([1, 0], 0, { readers: [layers.link(2)] })), 'merge-layers');
  layers.recordMerge([1, 0], 0, [2]);
  for (const layer of [0, 2]) await layers.requireView(layer);
  expect((await world.imageInfo(layers.fileName(2)))['backing-filename-format']).toBe('raw');
});

it('a layer that is larger than the one below makes it grow; one that is smaller can only be pulled into', async () => {
  const layers = new TestLayers(world);
  await layers.makeChain(3);
  await layers.resize(2, 640);
  await layers.write(2, [{ block: 600, count: 4, byte: 9 }]);
  resultOf(await world.api.run(layers.merge([2, 1], 1)), 'merge-layers');
  layers.recordMerge([2, 1], 1, []);
  await layers.requireView(1);
  await layers.make(3, 1, []);
  await layers.resize(3, 400);
  const refused = await world.api.run(layers.merge([3, 1], 1));
  expect(refused).toMatchObject({ kind: 'failed', left: 'NOTHING', failure: { code: 'IMAGE_REFUSED' } });
  resultOf(await world.api.run(layers.merge([3, 1], 3)), 'merge-layers');
  layers.recordMerge([3, 1], 3, []);
  await layers.requireView(3);
});

it('a branch is merged beside a machine that runs on a layer below it', async () => {
  const layers = new TestLayers(world);
  await layers.makeChain(4);
  await layers.make(4, 1, [{ block: 60, count: 4, byte: 21 }]);
  await layers.make(5, 4, [{ block: 62, count: 4, byte: 22 }]);
  await layers.make(6, 5, [{ block: 64, count: 4, byte: 23 }]);
  await layers.attach(machine, 3);
  await world.virsh('start', '--paused', 'g1');
  resultOf(await world.api.run(layers.merge([5, 4], 4, { machineUuid: machine.uuid, readers: [layers.link(6)] })), 'merge-layers');
  layers.recordMerge([5, 4], 4, [6]);
  resultOf(await world.api.run(layers.merge([6, 4], 6, { machineUuid: machine.uuid })), 'merge-layers');
  layers.recordMerge([6, 4], 6, []);
  await layers.requireView(6);
  // Down into what the machine reads is refused: the machine has it open.
  const refused = await world.api.run(layers.merge([6, 1], 1, { machineUuid: machine.uuid }));
  expect(refused).toMatchObject({ kind: 'failed', failure: { code: 'MACHINE_STATE', retryable: true } });
  await world.virsh('destroy', 'g1');
  for (const layer of [3, 6]) await layers.requireView(layer);
});
