/** The agent dies at named points and is started again: it answers for every command, and no guest stays frozen. */
import { readdirSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandFinished } from '@coppice/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CrashPoint } from '../crash-points.js';
import { HostWorld } from '../testing/host-world.js';
import { resultOf, type TestMachine } from '../testing/test-machine.js';

let world: HostWorld;
let machine: TestMachine;
let stopped: TestMachine;

beforeAll(async () => {
  world = await HostWorld.open();
  stopped = await world.addMachine('g2');
  machine = await world.addMachine('g1');
  await world.boot(machine);
});

afterAll(() => world.close());

/** A point crashes an agent once per state folder; for the next one that is forgotten. */
async function restartToCrash(point: CrashPoint): Promise<void> {
  await world.agent.stop('SIGKILL');
  await rm(join(world.dir, 'agent', `crashed-${point.replaceAll('/', '-')}`), { force: true });
  world.agent.start(point);
}

type Bodies = ReturnType<TestMachine['nextSnapshot']>;

/** Gives one of the commands to an agent that dies at `point`; `meanwhile` happens before the next one starts, which is to answer. */
async function answerAfterCrash(
  bodies: Bodies,
  point: CrashPoint,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<CommandFinished> {
  const body = point.startsWith('create-layers') ? bodies.create : bodies.freeze;
  await restartToCrash(point);
  await world.api.connected();
  if (body.verb === 'freeze-layers') resultOf(await world.api.run(bodies.create), 'create-layers');
  const command = world.api.issue(body);
  await world.agent.ended();
  expect(world.api.reportsOf(command.id)).toEqual([]);
  await meanwhile();
  world.agent.start(point);
  return world.api.finished(command);
}

it.each(['create-layers/before-first-file', 'create-layers/after-first-file', 'create-layers/before-finished-record'] as const)(
  '%s: the layers are made once',
  async (point) => {
    const bodies = machine.nextSnapshot();
    const { outcome } = await answerAfterCrash(bodies, point);
    const { layers } = resultOf(outcome, 'create-layers');
    expect(layers.map(({ fileName }) => fileName)).toEqual(bodies.freeze.volumes.map(({ newFileName }) => newFileName));
    resultOf(await world.api.run(bodies.freeze), 'freeze-layers');
    machine.record(bodies.freeze);
    expect(await world.sources(machine)).toEqual(machine.heads());
  },
);

it.each([
  ['freeze-layers/before-freeze', 'FILESYSTEM'],
  ['freeze-layers/frozen', 'FILESYSTEM'],
  ['freeze-layers/after-transaction', 'FILESYSTEM'],
  ['freeze-layers/after-thaw', 'CRASH'],
  ['freeze-layers/before-finished-record', 'FILESYSTEM'],
] as const)('%s, with quiesce: thawed before any agent starts, switched once, recorded as %s', async (point, consistency) => {
  const bodies = machine.nextSnapshot({ quiesceMs: 40_000 });
  const thawed = async () => expect.poll(() => machine.freezeStatus(), { timeout: 30_000 }).toBe('thawed');
  const { outcome } = await answerAfterCrash(bodies, point, thawed);
  expect(resultOf(outcome, 'freeze-layers').consistency).toBe(consistency);
  machine.record(bodies.freeze);
  expect(await world.sources(machine)).toEqual(machine.heads());
  expect(await world.sources(machine, true)).toEqual(machine.heads());
  expect(await machine.freezeStatus()).toBe('thawed');
});

it('frozen, and the watcher dies as well: what the unit runs after the end thaws, and the next agent goes on', async () => {
  const bodies = machine.nextSnapshot({ quiesceMs: 20_000 });
  await restartToCrash('freeze-layers/frozen');
  await world.api.connected();
  resultOf(await world.api.run(bodies.create), 'create-layers');
  const command = world.api.issue(bodies.freeze);
  await world.killWatcherAtFreeze(command.id, machine.uuid);
  await world.agent.ended();
  expect(await machine.freezeStatus()).toBe('frozen');
  await world.agent.thawOnly();
  expect(await machine.freezeStatus()).toBe('thawed');
  world.agent.start('freeze-layers/frozen');
  expect(resultOf((await world.api.finished(command)).outcome, 'freeze-layers').consistency).toBe('FILESYSTEM');
  machine.record(bodies.freeze);
});

it('repairs a persistent definition that was left on the frozen layers', async () => {
  const old = machine.heads();
  const bodies = machine.nextSnapshot();
  const { outcome } = await answerAfterCrash(bodies, 'freeze-layers/before-finished-record', async () => {
    const xml = (await world.virsh('dumpxml', 'g1', '--inactive')).replace(
      /<backingStore[^]*?<\/backingStore>\s*(?=<target)|<backingStore[^>]*\/>/g,
      '',
    );
    const path = join(world.dir, 'old.xml');
    const back = bodies.freeze.volumes.reduce((text, { target, newFileName }) => text.replace(newFileName, old[target] ?? ''), xml);
    await writeFile(path, back);
    await world.virsh('define', path);
    expect(await world.sources(machine, true)).toEqual(old);
  });
  resultOf(outcome, 'freeze-layers');
  machine.record(bodies.freeze);
  expect(await world.sources(machine, true)).toEqual(machine.heads());
});

it('does not act after its time: an agent that comes back late leaves everything as it was', async () => {
  const bodies = machine.nextSnapshot();
  await restartToCrash('freeze-layers/before-transaction');
  await world.api.connected();
  resultOf(await world.api.run(bodies.create), 'create-layers');
  const command = world.api.issue(bodies.freeze, { expiresAt: new Date(Date.now() + 10_000).toISOString() });
  await world.agent.ended();
  await expect.poll(() => Date.now() > Date.parse(command.expiresAt), { timeout: 60_000 }).toBe(true);
  world.agent.start();
  const { outcome } = await world.api.finished(command);
  expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'HOST_UNAVAILABLE', retryable: true } });
  expect(await world.sources(machine)).toEqual(machine.heads());
});

it.each(['freeze-layers/before-transaction', 'freeze-layers/after-transaction', 'freeze-layers/before-finished-record'] as const)(
  '%s of a stopped machine',
  async (point) => {
    const bodies = stopped.nextSnapshot({ power: 'OFF', quiesceMs: 5_000 });
    const { outcome } = await answerAfterCrash(bodies, point);
    const { consistency, definition } = resultOf(outcome, 'freeze-layers');
    expect(consistency).toBe('OFFLINE');
    expect(definition.liveXml).toBeNull();
    for (const file of Object.values(stopped.heads())) expect(definition.inactiveXml).toContain(file);
    stopped.record(bodies.freeze);
    expect(await world.sources(stopped)).toEqual(stopped.heads());
    expect(await world.virsh('dumpxml', 'g2')).not.toContain('backingStore');
  },
);

it('goes on when libvirtd, its own child, or both die, and journals no failure for it', async () => {
  await world.agent.stop('SIGKILL');
  world.agent.start();
  await world.api.connected();
  const child = readdirSync(`/proc/${world.agent.pid}/task`)
    .map((task) => `/proc/${world.agent.pid}/task/${task}/children`)
    .map(async (path) => readFile(path, 'utf8'));
  const pids = (await Promise.all(child))
    .join(' ')
    .split(' ')
    .map(Number)
    .filter((pid) => pid > 1);
  expect(pids).toHaveLength(1);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  expect(await machine.snapshot({ quiesceMs: 60_000 })).toMatchObject({ consistency: 'FILESYSTEM' });
  await world.restartLibvirtd();
  expect(await machine.snapshot()).toMatchObject({ consistency: 'CRASH' });
  expect(await world.sources(machine)).toEqual(machine.heads());
});
