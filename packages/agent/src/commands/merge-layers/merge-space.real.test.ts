/** Merges in a pool that is full, or becomes full in their middle: they say so, the readers are whole, and they go on after room is made. */
import { statfsSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandIssued } from '@coppice/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hasErrorCode } from '../../failure.js';
import { HostWorld } from '../../testing/host-world.js';
import { TestLayers } from '../../testing/test-layers.js';
import { resultOf, type TestMachine } from '../../testing/test-machine.js';
import { until } from '../../testing/until.js';

const MIB = 1024 * 1024;
/** The pool has room for the layers and for one merge of them. */
const POOL_BYTES = 128 * MIB;
const MERGED_BYTES = 20 * MIB;

let world: HostWorld;
let machine: TestMachine;

beforeAll(async () => {
  ({ world, machine } = await HostWorld.withMachine({ poolBytes: POOL_BYTES }));
});
afterAll(() => world.close());

async function madeLayers(): Promise<TestLayers> {
  const ofMachine = machine.volumes.flatMap(({ files }) => files);
  for (const name of await readdir(world.poolDir)) if (!ofMachine.includes(name)) await rm(join(world.poolDir, name));
  const layers = new TestLayers(world);
  await layers.make(0, null, [{ block: 0, count: 16, byte: 1 }]);
  await layers.make(1, 0, [{ block: 8, count: 192, byte: 2 }]);
  await layers.make(2, 1, [{ block: 100, count: 400, byte: 3 }]);
  return layers;
}

function filler(): string {
  return join(world.poolDir, 'filler');
}

async function fillBut(leftBytes: number): Promise<void> {
  const { bavail, bsize } = statfsSync(world.poolDir);
  // A job that writes meanwhile takes its part; what is left for us is filled then all the same.
  await writeFile(filler(), Buffer.alloc(bavail * bsize - leftBytes)).catch((error: unknown) => {
    if (!hasErrorCode(error, 'ENOSPC')) throw error;
  });
}

async function copying(command: CommandIssued): Promise<void> {
  await until('bytes of a merge', () =>
    world.api.all('command.progressed').some(({ commandId, bytesDone }) => commandId === command.id && (bytesDone ?? 0) > 0),
  );
}

it('is not begun where the room is too small for it', async () => {
  const layers = await madeLayers();
  await fillBut(MERGED_BYTES);
  const outcome = await world.api.run(layers.merge([2, 1], 1));
  expect(outcome).toMatchObject({ kind: 'failed', left: 'NOTHING', failure: { code: 'INSUFFICIENT_SPACE', retryable: true } });
  await rm(filler());
  for (const layer of [0, 1, 2]) await layers.requireView(layer);
});

it.each([
  { into: 1, left: 'SPOILED', whole: [0, 2] },
  { into: 2, left: 'NOTHING', whole: [0, 1, 2] },
])('the pool becomes full while layers 2 and 1 become $into: $left is left, and it goes on', async ({ into, left, whole }) => {
  const layers = await madeLayers();
  const command = world.api.issue(layers.merge([2, 1], into, { bytesPerSecond: into === 1 ? 3 * MIB : MIB }));
  await copying(command);
  await fillBut(0);
  const { outcome } = await world.api.finished(command);
  await rm(filler());
  expect(outcome).toMatchObject({ kind: 'failed', left, failure: { code: 'INSUFFICIENT_SPACE', retryable: true } });
  for (const layer of whole) await layers.requireView(layer);
  resultOf(await world.api.run(layers.merge([2, 1], into)), 'merge-layers');
  layers.recordMerge([2, 1], into, []);
  for (const layer of [0, into]) await layers.requireView(layer);
});

it.each([
  { kind: 'commit', left: 'SPOILED', whole: [0, 3] },
  { kind: 'pull', left: 'NOTHING', whole: [0, 1, 2, 3] },
])(
  'the pool becomes full in the middle of a live $kind: the machine runs on, $left is left, and it goes on',
  async ({ kind, left, whole }) => {
    const layers = await madeLayers();
    await layers.make(3, 2, [{ block: 9, count: 2, byte: 4 }]);
    await layers.attach(machine, 3);
    await world.virsh('start', '--paused', 'g1');
    const common = { how: 'LIVE', machineUuid: machine.uuid, target: 'vda' } as const;
    const body =
      kind === 'pull'
        ? layers.merge([3, 2], 3, common)
        : layers.merge([2, 1], 1, { ...common, above: [layers.link(3)], readers: [layers.link(3)] });
    const command = world.api.issue({ ...body, bytesPerSecond: 2 * MIB });
    await copying(command);
    await fillBut(0);
    const { outcome } = await world.api.finished(command);
    await rm(filler());
    expect(outcome).toMatchObject({ kind: 'failed', left, failure: { code: 'INSUFFICIENT_SPACE', retryable: true } });
    expect((await world.virsh('domstate', 'g1')).trim()).toBe('paused');
    resultOf(await world.api.run(body), 'merge-layers');
    await world.virsh('destroy', 'g1');
    if (kind === 'commit') layers.recordMerge([2, 1], 1, [3]);
    else layers.recordMerge([3, 2], 3, []);
    for (const layer of whole) await layers.requireView(layer);
  },
);
