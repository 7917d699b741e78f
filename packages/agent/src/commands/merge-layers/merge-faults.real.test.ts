/** Merges of layers that no machine has open, when something ends in the middle of them: the content of every reader is what it was. */
import { readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandIssued } from '@coppice/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CrashPoint } from '../../crash-points.js';
import { HostWorld } from '../../testing/host-world.js';
import { TestLayers } from '../../testing/test-layers.js';
import { resultOf, type TestMachine } from '../../testing/test-machine.js';
import { until } from '../../testing/until.js';

/** Some 2 MiB at this rate take half a minute: enough to meet a job in its middle. */
const SLOW = 64 * 1024;

let world: HostWorld;
let machine: TestMachine;

beforeAll(async () => {
  ({ world, machine } = await HostWorld.withMachine());
});
afterAll(() => world.close());

/** Waits until a command has told that it copied something. */
async function copying(command: CommandIssued): Promise<void> {
  await until('bytes of a merge', () =>
    world.api.all('command.progressed').some(({ commandId, bytesDone }) => commandId === command.id && (bytesDone ?? 0) > 0),
  );
}

/** The storage daemon of a command. */
function daemonOf(command: CommandIssued): number[] {
  const isIt = (pid: string) => {
    try {
      const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return text.startsWith('qemu-storage-daemon') && text.includes(command.id);
    } catch {
      // It ended while we looked.
      return false;
    }
  };
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && isIt(pid))
    .map(Number);
}

async function madeChain(): Promise<TestLayers> {
  const layers = new TestLayers(world);
  await layers.makeChain(4);
  await layers.make(4, 3, [{ block: 3, count: 2, byte: 99 }]);
  await layers.make(5, 3, []);
  return layers;
}

/** What merging layers 3, 2, 1 into layer 2 has to have made true. */
async function requireMergedIntoMiddle(layers: TestLayers): Promise<void> {
  layers.recordMerge([3, 2, 1], 2, [4, 5]);
  for (const layer of [0, 2, 4, 5]) await layers.requireView(layer);
  for (const reader of [4, 5]) expect((await world.imageInfo(layers.fileName(reader)))['backing-filename']).toBe(layers.path(2));
  expect((await world.imageInfo(layers.fileName(2)))['backing-filename']).toBe(layers.path(0));
}

const POINTS = [
  'merge-layers/before-spoil-note',
  'merge-layers/copying',
  'merge-layers/pulled',
  'merge-layers/copied',
  'merge-layers/after-first-repoint',
  'merge-layers/before-finished-record',
] as const satisfies readonly CrashPoint[];

async function restartToCrash(point: CrashPoint): Promise<void> {
  await world.agent.stop('SIGKILL');
  await rm(join(world.dir, 'agent', `crashed-${point.replaceAll('/', '-')}`), { force: true });
  world.agent.start(point);
  await world.api.connected();
}

it.each(POINTS)('the agent dies at %s: the next one finishes', async (point) => {
  const layers = await madeChain();
  await restartToCrash(point);
  const changes = { readers: [layers.link(4), layers.link(5)], bytesPerSecond: point.endsWith('copying') ? 512 * 1024 : null };
  const command = world.api.issue(layers.merge([3, 2, 1], 2, changes));
  await world.agent.ended();
  // It ends with its agent, once it has ended its job.
  await until('no storage daemon to be left', () => daemonOf(command).length === 0);
  for (const reader of [3, 4, 5]) await layers.requireView(reader);
  world.agent.start(point);
  resultOf((await world.api.finished(command)).outcome, 'merge-layers');
  await requireMergedIntoMiddle(layers);
  expect(daemonOf(command)).toEqual([]);
});

it.each(['merge-layers/copied', 'merge-layers/before-define', 'merge-layers/before-finished-record'] as const)(
  "the agent dies at %s of a head's merge: the machine ends on the target",
  async (point) => {
    const layers = await madeChain();
    await layers.attach(machine, 4);
    await restartToCrash(point);
    const command = world.api.issue(layers.merge([4, 3], 3, { machineUuid: machine.uuid, target: 'vda' }));
    await world.agent.ended();
    world.agent.start(point);
    resultOf((await world.api.finished(command)).outcome, 'merge-layers');
    layers.recordMerge([4, 3], 3, []);
    await layers.requireView(3);
    expect((await world.sources(machine, true))['vda']).toBe(layers.fileName(3));
  },
);

it('a head that somebody wrote between the copy and the definition is copied again', async () => {
  const layers = await madeChain();
  await layers.attach(machine, 4);
  await restartToCrash('merge-layers/before-define');
  const command = world.api.issue(layers.merge([4, 3], 3, { machineUuid: machine.uuid, target: 'vda' }));
  await world.agent.ended();
  await layers.write(4, [{ block: 300, count: 2, byte: 77 }]);
  world.agent.start('merge-layers/before-define');
  resultOf((await world.api.finished(command)).outcome, 'merge-layers');
  layers.recordMerge([4, 3], 3, []);
  await layers.requireView(3);
});

it('the storage daemon is killed: the merge is made again, within the same command', async () => {
  const layers = await madeChain();
  const changes = { readers: [layers.link(4), layers.link(5)], bytesPerSecond: 256 * 1024 };
  const command = world.api.issue(layers.merge([3, 2, 1], 2, changes));
  await copying(command);
  const daemons = daemonOf(command);
  expect(daemons).toHaveLength(1);
  for (const pid of daemons) process.kill(pid, 'SIGKILL');
  resultOf((await world.api.finished(command)).outcome, 'merge-layers');
  await requireMergedIntoMiddle(layers);
});

it('cancelled in the middle of a commit it leaves a spoiled target and whole readers, and another command finishes it', async () => {
  const layers = await madeChain();
  const changes = { readers: [layers.link(4), layers.link(5)], bytesPerSecond: SLOW };
  const command = world.api.issue(layers.merge([3, 2, 1], 2, changes));
  await copying(command);
  world.api.send({ type: 'command.cancel-requested', commandId: command.id });
  expect((await world.api.finished(command)).outcome).toEqual({ kind: 'cancelled', left: 'SPOILED' });
  for (const reader of [3, 4, 5]) await layers.requireView(reader);
  resultOf(await world.api.run(layers.merge([3, 2, 1], 2, { ...changes, bytesPerSecond: null })), 'merge-layers');
  await requireMergedIntoMiddle(layers);
});

it('cancelled in the middle of a pull it leaves nothing, and one that has not begun is not begun', async () => {
  const layers = await madeChain();
  const first = world.api.issue(layers.merge([3, 2, 1, 0], 3, { machineUuid: machine.uuid, bytesPerSecond: SLOW }));
  const queued = world.api.issue(layers.merge([3, 2], 3, { machineUuid: machine.uuid }));
  await copying(first);
  for (const { id } of [queued, first]) world.api.send({ type: 'command.cancel-requested', commandId: id });
  expect((await world.api.finished(first)).outcome).toEqual({ kind: 'cancelled', left: 'NOTHING' });
  expect((await world.api.finished(queued)).outcome).toEqual({ kind: 'cancelled', left: 'NOTHING' });
  for (const layer of [0, 1, 2, 3, 4, 5]) await layers.requireView(layer);
  resultOf(await world.api.run(layers.merge([3, 2, 1, 0], 3)), 'merge-layers');
  layers.recordMerge([3, 2, 1, 0], 3, []);
  for (const layer of [3, 4, 5]) await layers.requireView(layer);
});

it.each([
  { run: [3, 2, 1], into: 3 },
  { run: [3, 2, 1], into: 2 },
])(
  'a header that is ahead of its data, as a pull leaves it that was killed before its flush, is not believed: $run into $into',
  async ({ run, into }) => {
    const layers = await madeChain();
    await layers.lie(into, 0);
    resultOf(await world.api.run(layers.merge(run, into, { readers: [layers.link(4), layers.link(5)] })), 'merge-layers');
    layers.recordMerge(run, into, [4, 5]);
    for (const layer of [0, into, 4, 5]) await layers.requireView(layer);
  },
);
