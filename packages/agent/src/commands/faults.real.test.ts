/** The agent is stopped, or libvirtd dies, in the middle of a command: it answers, and no guest stays frozen. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HostWorld } from '../testing/host-world.js';
import { resultOf, type TestMachine } from '../testing/test-machine.js';
import { until } from '../testing/until.js';

let world: HostWorld;
let machine: TestMachine;

beforeAll(async () => {
  ({ world, machine } = await HostWorld.withMachine({ boots: true }));
});
afterAll(() => world.close());

/** Waits until the journal holds a record of this kind that names this command. */
async function journalled(kind: string, commandId: string): Promise<void> {
  const path = join(world.dir, 'agent', 'journal.log');
  const isIt = (line: string) => line.includes(`"kind":"${kind}"`) && line.includes(commandId);
  await until(`${kind} of ${commandId}`, async () => (await readFile(path, 'utf8')).split('\n').some(isIt));
}

async function expectSwitched(): Promise<void> {
  expect(await world.sources(machine)).toEqual(machine.heads());
  expect(await world.sources(machine, true)).toEqual(machine.heads());
  await expect.poll(() => machine.freezeStatus(), { timeout: 60_000 }).toBe('thawed');
}

it('told to stop in the middle of a freeze, it finishes, says so, and ends', async () => {
  const bodies = machine.nextSnapshot({ quiesceMs: 60_000 });
  resultOf(await world.api.run(bodies.create), 'create-layers');
  const command = world.api.issue(bodies.freeze);
  await journalled('freeze-begun', command.id);
  await world.agent.stop('SIGTERM');
  expect(world.agent.exitCode).toBe(0);
  const [report] = world.api.reportsOf(command.id);
  expect(report?.outcome).toMatchObject({ kind: 'done', result: { consistency: 'FILESYSTEM' } });
  machine.record(bodies.freeze);
  await expectSwitched();
  world.agent.start();
  await world.api.connected();
});

it('what it accepts while it stops is not begun, and done by the next', async () => {
  const bodies = machine.nextSnapshot();
  const queued = [world.api.issue(bodies.create), world.api.issue(bodies.freeze)] as const;
  await journalled('accepted', queued[1].id);
  await world.agent.stop('SIGTERM');
  world.agent.start();
  for (const command of queued) expect((await world.api.finished(command)).outcome.kind).toBe('done');
  machine.record(bodies.freeze);
  await expectSwitched();
});

it.each([
  ['goes on', []],
  ['stands still', ['SIGSTOP']],
] as const)(
  'libvirtd is killed while the guest is frozen, and its watcher %s: looked up, thawed, done or refused',
  async (_how, signals) => {
    const bodies = machine.nextSnapshot({ quiesceMs: 60_000 });
    resultOf(await world.api.run(bodies.create), 'create-layers');
    const command = world.api.issue(bodies.freeze);
    await journalled('freeze-begun', command.id);
    const watchers = world.watchersOf(machine.uuid);
    for (const pid of watchers) for (const signal of signals) process.kill(pid, signal);
    await world.restartLibvirtd();
    const { outcome } = await world.api.finished(command);
    if (outcome.kind === 'done') machine.record(bodies.freeze);
    else expect(outcome).toMatchObject({ kind: 'failed', failure: { retryable: true } });
    await expectSwitched();
    // A watcher that still tries to end the freeze of before would end this one.
    expect(await machine.snapshot({ quiesceMs: 60_000 })).toMatchObject({ consistency: 'FILESYSTEM' });
    for (const pid of watchers) expect(world.watchersOf(machine.uuid)).not.toContain(pid);
    await expectSwitched();
  },
);

it.each(['discard-layers/after-first-file', 'discard-layers/before-finished-record'] as const)(
  '%s: the rest is discarded by the next agent',
  async (point) => {
    const { create, freeze } = machine.nextSnapshot();
    resultOf(await world.api.run(create), 'create-layers');
    await world.agent.stop('SIGTERM');
    world.agent.start(point);
    await world.api.connected();
    const layers = freeze.volumes.map(({ volumeId, newFileName }) => ({ volumeId, pool: 'pool', fileName: newFileName }));
    const command = world.api.issue({ verb: 'discard-layers', machineUuid: machine.uuid, layers });
    await world.agent.ended();
    world.agent.start(point);
    resultOf((await world.api.finished(command)).outcome, 'discard-layers');
    const files = await readdir(world.poolDir);
    for (const { fileName } of layers) expect(files).not.toContain(fileName);
    await expectSwitched();
  },
);
