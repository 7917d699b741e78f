/** Merges in the chain of a running machine, when the agent, libvirtd or QEMU ends in their middle, or they are cancelled. */
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandIssued } from '@coppice/protocol';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { CrashPoint } from '../../crash-points.js';
import { HostWorld } from '../../testing/host-world.js';
import { TestLayers } from '../../testing/test-layers.js';
import { resultOf, type TestMachine } from '../../testing/test-machine.js';
import { until } from '../../testing/until.js';

/** Bytes a second. The runs of these tests hold some 2 MiB: they have a middle, and end. */
const SLOW = 256 * 1024;
/** They do not end before somebody ends them. */
const ENDLESS = 16 * 1024;

let world: HostWorld;
let machine: TestMachine;
let layers: TestLayers;

beforeAll(async () => {
  ({ world, machine } = await HostWorld.withMachine());
});
afterAll(() => world.close());

/** Layers 0 to 3 with the machine on layer 3, and a branch, layer 4, over layer 2. */
beforeEach(async () => {
  layers = await TestLayers.underMachine(world, machine, 4);
});

const KINDS = ['commit', 'pull'] as const;
type Kind = (typeof KINDS)[number];

/** A commit of layer 2 into layer 1 below the head, or a pull of layer 2 into the head. */
function bodyOf(kind: Kind, changes: Parameters<TestLayers['merge']>[2] = {}) {
  const common = { how: 'LIVE', machineUuid: machine.uuid, target: 'vda', ...changes } as const;
  if (kind === 'pull') return layers.merge([3, 2], 3, common);
  return layers.merge([2, 1], 1, { above: [layers.link(3)], readers: [layers.link(3), layers.link(4)], ...common });
}

/** What either has to have made true; the machine is stopped for it. */
async function requireMerged(kind: Kind): Promise<void> {
  await world.virsh('destroy', 'g1').catch((error: unknown) => {
    if (!String(error).includes('not running')) throw error;
  });
  if (kind === 'commit') layers.recordMerge([2, 1], 1, [3, 4]);
  else layers.recordMerge([3, 2], 3, []);
  for (const layer of [0, 1, 3, 4]) await layers.requireView(layer);
  const overWhat = kind === 'commit' ? { 3: 1, 4: 1, 1: 0 } : { 3: 1, 4: 2 };
  for (const [layer, below] of Object.entries(overWhat))
    expect((await world.imageInfo(layers.fileName(Number(layer))))['backing-filename']).toBe(layers.path(below));
  expect(await world.virsh('dumpxml', 'g1', '--inactive')).not.toContain('backingStore');
  await world.virsh('start', '--paused', 'g1');
}

async function copying(command: CommandIssued): Promise<void> {
  await until('bytes of a merge', () =>
    world.api.all('command.progressed').some(({ commandId, bytesDone }) => commandId === command.id && (bytesDone ?? 0) > 0),
  );
}

async function restartToCrash(point: CrashPoint): Promise<void> {
  await world.agent.stop('SIGKILL');
  await rm(join(world.dir, 'agent', `crashed-${point.replaceAll('/', '-')}`), { force: true });
  world.agent.start(point);
  await world.api.connected();
}

it.each([
  ['merge-layers/before-spoil-note', 'commit'],
  ['merge-layers/copying', 'commit'],
  ['merge-layers/copying', 'pull'],
  ['merge-layers/copied', 'commit'],
  ['merge-layers/copied', 'pull'],
  ['merge-layers/after-first-repoint', 'commit'],
  ['merge-layers/before-finished-record', 'pull'],
] as const)('the agent dies at %s of a %s: the next one waits for the job, or begins it, and finishes', async (point, kind) => {
  await restartToCrash(point);
  const command = world.api.issue(bodyOf(kind, { bytesPerSecond: point.endsWith('copying') ? SLOW : null }));
  await world.agent.ended();
  world.agent.start(point);
  const { bytesMoved } = resultOf((await world.api.finished(command)).outcome, 'merge-layers');
  expect(bytesMoved).toBeGreaterThan(0);
  await requireMerged(kind);
});

it.each(KINDS)('libvirtd is killed in the middle of a %s: the job goes on, is found again and waited for', async (kind) => {
  const command = world.api.issue(bodyOf(kind, { bytesPerSecond: SLOW }));
  await copying(command);
  await world.restartLibvirtd();
  resultOf((await world.api.finished(command)).outcome, 'merge-layers');
  await requireMerged(kind);
});

it('QEMU is killed right after a pull: all that was pulled is in the file', async () => {
  resultOf(await world.api.run(bodyOf('pull')), 'merge-layers');
  process.kill(qemuPid(), 'SIGKILL');
  layers.recordMerge([3, 2], 3, []);
  await until('the machine to be off', async () => (await world.virsh('domstate', 'g1')).trim() === 'shut off');
  for (const layer of [0, 1, 3, 4]) await layers.requireView(layer);
});

it('agent and QEMU are killed between the end of a pull and its flush: the head reads its layers again, and it is finished offline', async () => {
  await restartToCrash('merge-layers/pulled');
  const command = world.api.issue(bodyOf('pull'));
  await world.agent.ended();
  process.kill(qemuPid(), 'SIGKILL');
  await until('the machine to be off', async () => (await world.virsh('domstate', 'g1')).trim() === 'shut off');
  world.agent.start();
  const { outcome } = await world.api.finished(command);
  expect(outcome).toMatchObject({ kind: 'failed', left: 'NOTHING', failure: { code: 'MACHINE_STATE', retryable: true } });
  expect((await world.imageInfo(layers.fileName(3)))['backing-filename']).toBe(layers.path(2));
  for (const layer of [0, 1, 2, 3, 4]) await layers.requireView(layer);
  resultOf(await world.api.run(bodyOf('pull', { how: 'OFFLINE' })), 'merge-layers');
  await requireMerged('pull');
});

it.each(KINDS)(
  'agent and QEMU are killed once a %s is in its file and journalled: the repeat only goes forward, without QEMU',
  async (kind) => {
    await restartToCrash('merge-layers/before-finished-record');
    const command = world.api.issue(bodyOf(kind));
    await world.agent.ended();
    process.kill(qemuPid(), 'SIGKILL');
    await until('the machine to be off', async () => (await world.virsh('domstate', 'g1')).trim() === 'shut off');
    world.agent.start();
    resultOf((await world.api.finished(command)).outcome, 'merge-layers');
    await requireMerged(kind);
  },
);

it.each([
  ['commit', 'SPOILED'],
  ['pull', 'NOTHING'],
] as const)(
  'QEMU is killed in the middle of a %s: the answer is MACHINE_STATE and %s is left, and it is finished offline',
  async (kind, left) => {
    const command = world.api.issue(bodyOf(kind, { bytesPerSecond: ENDLESS }));
    await copying(command);
    process.kill(qemuPid(), 'SIGKILL');
    const { outcome } = await world.api.finished(command);
    expect(outcome).toMatchObject({ kind: 'failed', left, failure: { code: 'MACHINE_STATE', retryable: true } });
    for (const layer of [0, 3, 4]) await layers.requireView(layer);
    resultOf(await world.api.run(bodyOf(kind, { how: 'OFFLINE' })), 'merge-layers');
    await requireMerged(kind);
  },
);

it.each([
  ['commit', 'SPOILED'],
  ['pull', 'NOTHING'],
] as const)(
  'a %s that is cancelled in its middle leaves %s and the chain as it was, and is finished by another command',
  async (kind, left) => {
    const command = world.api.issue(bodyOf(kind, { bytesPerSecond: ENDLESS }));
    await copying(command);
    world.api.send({ type: 'command.cancel-requested', commandId: command.id });
    expect((await world.api.finished(command)).outcome).toEqual({ kind: 'cancelled', left });
    expect((await world.virsh('blockjob', 'g1', 'vda', '--raw')).trim()).toBe('');
    for (const [layer, isOpen] of [
      [0, true],
      [3, true],
      [4, false],
    ] as const)
      await layers.requireView(layer, isOpen);
    resultOf(await world.api.run(bodyOf(kind)), 'merge-layers');
    await requireMerged(kind);
  },
);

/** Of the one guest of this world. */
function qemuPid(): number {
  return Number(readFileSync(join(world.runDir, 'qemu', 'g1.pid'), 'utf8'));
}
