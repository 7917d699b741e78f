/** The agent dies at each step of a revert and is started again: reverted once, and the memory is never restored over a guest that has run. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CrashPoint } from '../../crash-points.js';
import { HostWorld } from '../../testing/host-world.js';
import { resultOf, type TestMachine } from '../../testing/test-machine.js';
import { until } from '../../testing/until.js';
import { recordRevert, revertTo, type SwitchBody, take, type TakenSnapshot } from '../../testing/test-revert.js';

let world: HostWorld;
let machine: TestMachine;
let taken: TakenSnapshot;

beforeAll(async () => {
  world = await HostWorld.open();
  world.agent.start();
  machine = await world.addMachine('g1');
  await world.boot(machine);
  await world.api.connected();
  taken = await take(machine, { memory: true });
});

afterAll(() => world.close());

const STEPS = [
  'switch-heads/before-stop',
  'switch-heads/after-stop',
  'switch-heads/after-define',
  'switch-heads/after-managed-save',
  'switch-heads/after-restore',
  'switch-heads/before-finished-record',
] as const;

/** Gives a revert to an agent that dies at `point`; `meanwhile` happens before the next one starts, which is to answer. */
async function outcomeAfterCrash(point: CrashPoint, changes: Partial<SwitchBody>, meanwhile = async () => Promise.resolve()) {
  await world.agent.stop('SIGKILL');
  await rm(join(world.dir, 'agent', `crashed-${point.replaceAll('/', '-')}`), { force: true });
  world.agent.start(point);
  await world.api.connected();
  const { create, switchHeads } = revertTo(machine, taken, changes);
  resultOf(await world.api.run(create), 'create-layers');
  const command = world.api.issue(switchHeads);
  await world.agent.ended();
  expect(world.api.reportsOf(command.id)).toEqual([]);
  await meanwhile();
  world.agent.start(point);
  const { outcome } = await world.api.finished(command);
  return { outcome, switchHeads };
}

/** How often libvirt has started a QEMU for the machine, as QEMU's own log has it. */
async function restarts(): Promise<number> {
  return (await readFile(join(world.dir, 'host/log/qemu/g1.log'), 'utf8')).split('starting up libvirt version').length;
}

async function expectOnHeads(): Promise<void> {
  expect(await world.sources(machine)).toEqual(machine.heads());
  expect(await world.sources(machine, true)).toEqual(machine.heads());
}

it.each(STEPS)('%s: the guest goes on from its memory, once', async (point) => {
  const before = await restarts();
  const { outcome, switchHeads } = await outcomeAfterCrash(point, {});
  const old = machine.heads();
  recordRevert(machine, switchHeads);
  const result = resultOf(outcome, 'switch-heads');
  expect(result.power).toBe('ON');
  for (const file of Object.values(old)) expect(result.definitionBefore.inactiveXml).toContain(file);
  await expectOnHeads();
  expect(await restarts()).toBe(before + 1);
});

it('a guest that ran on the new heads and is off again is not restored once more', async () => {
  const { outcome, switchHeads } = await outcomeAfterCrash('switch-heads/after-restore', {}, async () => {
    await machine.exec('echo x > /a/x; echo x > /b/x; sync');
    await world.virsh('destroy', 'g1');
  });
  recordRevert(machine, switchHeads);
  expect(resultOf(outcome, 'switch-heads')).toMatchObject({ power: 'OFF' });
  expect(await world.sources(machine, true)).toEqual(machine.heads());
});

it('a stopped machine is reverted once, and stays off; with its own definition where none is given', async () => {
  await world.virsh('setvcpus', 'g1', '2', '--config', '--maximum');
  for (const point of ['switch-heads/after-stop', 'switch-heads/after-define'] as const) {
    const { outcome, switchHeads } = await outcomeAfterCrash(point, { power: 'OFF', memory: null, inactiveXml: null });
    recordRevert(machine, switchHeads);
    const result = resultOf(outcome, 'switch-heads');
    expect(result).toMatchObject({ power: 'OFF', definition: { liveXml: null } });
    expect(result.definition.inactiveXml).toMatch(/<vcpu[^>]*>2</);
    expect(await world.sources(machine, true)).toEqual(machine.heads());
  }
});

it('what it stopped is started again where the way forward is gone', async () => {
  await world.boot(machine);
  const { outcome, switchHeads } = await outcomeAfterCrash('switch-heads/after-stop', {}, async () => {
    const [volume] = machine.volumes;
    await rm(join(world.poolDir, `volume-${volume?.volumeId}.${machine.lastUsedNumber}.qcow2`));
  });
  expect(outcome).toMatchObject({
    kind: 'failed',
    left: 'NOTHING',
    failure: { code: 'IMAGE_REFUSED', message: expect.stringContaining('started again') },
  });
  expect(switchHeads.volumes).toHaveLength(2);
  await expectOnHeads();
});

it('libvirtd dies with the agent after the switch: the memory is restored by those that come after them', async () => {
  const { outcome, switchHeads } = await outcomeAfterCrash('switch-heads/after-define', {}, () => world.restartLibvirtd());
  recordRevert(machine, switchHeads);
  expect(resultOf(outcome, 'switch-heads').power).toBe('ON');
  await expectOnHeads();
});

it('libvirtd dies while it restores the memory: what it left is ended, and the memory is restored anew', async () => {
  const { create, switchHeads } = revertTo(machine, taken);
  resultOf(await world.api.run(create), 'create-layers');
  const command = world.api.issue(switchHeads);
  const isDefined = async () => (await readFile(join(world.dir, 'agent/journal.log'), 'utf8')).includes(`"${command.id}","name":"defined"`);
  await until('the define', isDefined);
  // A libvirtd that dies before its QEMU is there holds the machine for ever (docs/operations.md, "starting up").
  await until('the new QEMU', () => world.qemusOf(machine).length > 0);
  await world.restartLibvirtd();
  recordRevert(machine, switchHeads);
  expect(resultOf((await world.api.finished(command)).outcome, 'switch-heads').power).toBe('ON');
  await expectOnHeads();
});
