/** Migration between two libvirts over one pool, live and stopped, also when agents and libvirtds die in the middle. */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandBody, CommandFinished, CommandIssued } from '@coppice/protocol';
import { guestExec, listGuests, runProgram, someOf, virsh } from '@coppice/lab';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { answerAfterCrash } from '../../testing/answer-after-crash.js';
import { HostWorld } from '../../testing/host-world.js';
import { until } from '../../testing/until.js';
import { resultOf, type TestMachine } from '../../testing/test-machine.js';

let first: HostWorld;
let second: HostWorld;
let machine: TestMachine;
/** Where the machine is, and where it goes next. */
let here: HostWorld;
let there: HostWorld;

beforeAll(async () => {
  first = await HostWorld.open();
  second = await HostWorld.open({ beside: first });
  [here, there] = [first, second];
  machine = await first.addMachine('g1');
  await first.boot(machine);
  for (const world of [first, second]) {
    world.agent.start();
    await world.api.connected();
  }
});

afterAll(async () => {
  await second.close();
  await first.close();
});

function body(to: HostWorld = there): Extract<CommandBody, { verb: 'migrate-machine' }> {
  const disks = machine.volumes.map(({ target, files }) => ({
    target,
    chain: files.map((fileName) => ({ pool: 'pool', fileName, format: 'qcow2' as const })),
  }));
  return { verb: 'migrate-machine', machineUuid: machine.uuid, destinationUri: to.uri, disks };
}

async function stateHere(): Promise<string> {
  return (await virsh(here.uri, ['domstate', machine.name])).trim();
}

/** In the guest. */
async function run(world: HostWorld, script: string): Promise<string> {
  const answer = until('the guest to answer', async () => {
    const ended = await guestExec({ libvirtUri: world.uri, name: machine.name }, ['sh', '-c', script]).catch(() => undefined);
    return ended === undefined ? undefined : { text: ended.stdout.trim() };
  });
  return (await answer).text;
}

/** Where the machine has to be now, alone, on the disks that are recorded, and with the guest that was there before. */
async function expectMoved(outcome: CommandFinished['outcome'], power: 'ON' | 'PAUSED' | 'OFF' = 'ON'): Promise<void> {
  expect(resultOf(outcome, 'migrate-machine').power).toBe(power);
  expect(await listGuests(here.uri)).not.toContain(machine.name);
  expect(await listGuests(there.uri)).toContain(machine.name);
  expect(await there.sources(machine)).toEqual(machine.heads());
  expect(await there.sources(machine, true)).toEqual(machine.heads());
  expect(await virsh(there.uri, ['dominfo', machine.name])).toMatch(/Persistent:\s+yes/);
  [here, there] = [there, here];
}

async function expectStayed(outcome: CommandFinished['outcome'], failure: Record<string, unknown>): Promise<void> {
  expect(outcome).toMatchObject({ kind: 'failed', failure });
  expect(await stateHere()).toBe('running');
  expect(await listGuests(there.uri)).not.toContain(machine.name);
}

it('tells where it is reached for migrations', () => {
  expect(first.api.hellos.at(-1)?.migrationUri).toBe(first.uri);
});

it('moves a running machine, whose guest goes on; both hosts tell what they have, and it comes back', async () => {
  const mark = randomUUID();
  await run(here, `echo ${mark} > /a/mark; sync; echo ${mark} > /tmp/in-memory`);
  const uptime = Number((await run(here, 'cut -d. -f1 /proc/uptime')).trim());
  await expectMoved(await here.api.run(body()));
  expect(await run(here, 'cat /a/mark /tmp/in-memory')).toBe(`${mark}\n${mark}`);
  expect(Number(await run(here, 'cut -d. -f1 /proc/uptime'))).toBeGreaterThanOrEqual(uptime);
  await expect.poll(() => here.api.all('inventory.machine-seen').at(-1)?.machine.uuid === machine.uuid, { timeout: 120_000 }).toBe(true);
  await expect
    .poll(() => there.api.all('inventory.completed').at(-1)?.machineUuids.includes(machine.uuid), { timeout: 120_000 })
    .toBe(false);
  await expectMoved(await here.api.run(body()));
});

it('goes on with snapshots where it is: the chain travels as it is', async () => {
  const { create, freeze } = machine.nextSnapshot();
  resultOf(await here.api.run(create), 'create-layers');
  resultOf(await here.api.run(freeze), 'freeze-layers');
  machine.record(freeze);
  await expectMoved(await here.api.run(body()));
});

it('says yes again when it has moved already, and no when it is nowhere', async () => {
  const again = await there.api.run(body(here));
  expect(resultOf(again, 'migrate-machine').power).toBe('ON');
  const nowhere = { ...body(here), machineUuid: randomUUID() };
  expect(await there.api.run(nowhere)).toMatchObject({ kind: 'failed', failure: { code: 'NOT_FOUND' } });
});

/** In MiB a second: some seconds for the guest's memory. Faster, and it is there before anyone has looked on its way. */
const SLOW = '8';

const LIVE_POINTS = [
  'migrate-machine/before-migration',
  'migrate-machine/while-migrating',
  'migrate-machine/after-migration',
  'migrate-machine/before-finished-record',
] as const;

it.each(someOf(LIVE_POINTS, 2))('%s: it is on one host, and the next agent brings it to the other', async (point) => {
  const mark = randomUUID();
  await run(here, `echo ${mark} > /a/mark; sync`);
  const mebibytesPerSecond = point === 'migrate-machine/while-migrating' ? SLOW : '1000';
  await virsh(here.uri, ['migrate-setspeed', machine.name, mebibytesPerSecond]);
  await expectMoved(await answerAfterCrash(here, body(), { point }));
  await virsh(here.uri, ['migrate-setspeed', machine.name, '1000']);
  expect(await run(here, 'cat /a/mark')).toBe(mark);
});

it('a machine that the migration had stopped at its end, and that is not there, goes on here and is moved again', async () => {
  const meanwhile = async () => {
    await here.virsh('suspend', machine.name);
  };
  await expectMoved(await answerAfterCrash(here, body(), { point: 'migrate-machine/before-migration', meanwhile }));
});

it('a definition that was left here of a machine that runs there is taken away', async () => {
  const xml = join(here.dir, 'left.xml');
  await writeFile(xml, await here.virsh('dumpxml', machine.name, '--inactive'));
  const meanwhile = async () => {
    await here.virsh('define', xml);
  };
  await expectMoved(await answerAfterCrash(here, body(), { point: 'migrate-machine/after-migration', meanwhile }));
});

it('is killed at any moment of a migration: the machine is never on two hosts, nor on none', async () => {
  for (const delayMs of someOf([150, 350, 550, 750, 950, 1200], 2)) {
    const command = here.api.issue(body());
    // A command that no journal has is given again by the API, not by this test.
    await until('the command to be journalled', () => here.api.all('command.accepted').some((one) => one.commandId === command.id));
    await sleep(delayMs);
    await here.agent.stop('SIGKILL');
    here.agent.start();
    await expectMoved((await here.api.finished(command)).outcome);
    expect(await run(here, 'cat /proc/sys/kernel/hostname')).not.toBe('');
  }
});

/** A migration of which some bytes have travelled. */
async function onItsWay(): Promise<CommandIssued> {
  const command = here.api.issue(body());
  const isMoving = () => here.api.all('command.progressed').some((one) => one.commandId === command.id && (one.bytesDone ?? 0) > 0);
  await expect.poll(isMoving, { timeout: 120_000, interval: 20 }).toBe(true);
  return command;
}

/** A migration whose memory has arrived, and whose end the new host's libvirtd, which stands still, has not heard of. */
async function beforeItsEnd(): Promise<CommandIssued> {
  await virsh(here.uri, ['migrate-setspeed', machine.name, SLOW]);
  const command = await onItsWay();
  there.signalLibvirtd('SIGSTOP');
  const ask = ['qemu-monitor-command', machine.name, '{"execute":"query-migrate"}'];
  await expect.poll(() => virsh(here.uri, ask), { timeout: 120_000, interval: 50 }).toContain('"status":"completed"');
  return command;
}

it('the agent dies before the new host has said whether it has the machine: it goes on at one of them', async () => {
  const world = here;
  const command = await beforeItsEnd();
  await world.agent.stop('SIGKILL');
  await sleep(1_000);
  there.signalLibvirtd('SIGCONT');
  world.agent.start();
  await expectMoved((await world.api.finished(command)).outcome);
  expect(world.agent.log).toMatch(/it goes on here|what was left of it here is ended/);
  expect(await run(here, 'echo here')).toBe('here');
});

it('the agent dies after the new host has it and before the old one is told: what is left here is ended', async () => {
  const world = here;
  const command = await beforeItsEnd();
  const child = world.agent.libvirtChild;
  process.kill(child, 'SIGSTOP');
  there.signalLibvirtd('SIGCONT');
  const isThere = async () =>
    /State:\s+paused[^]*Persistent:\s+yes/.test(await virsh(there.uri, ['dominfo', machine.name]).catch(() => ''));
  await expect.poll(isThere, { timeout: 120_000 }).toBe(true);
  await world.agent.stop('SIGKILL');
  process.kill(child, 'SIGKILL');
  world.agent.start();
  await expectMoved((await world.api.finished(command)).outcome);
  expect(world.agent.log).toContain('what was left of it here is ended');
  expect(await run(here, 'echo here')).toBe('here');
});

it('is not moved where nobody answers, to itself, or off a chain that is not the recorded one', async () => {
  const nobody = { ...body(), destinationUri: 'qemu:///system?socket=/nowhere/libvirt-sock' };
  await expectStayed(await here.api.run(nobody), { code: 'HOST_UNAVAILABLE', retryable: true });
  await expectStayed(await here.api.run(body(here)), { code: 'MACHINE_STATE' });
  const wrong = body();
  const [link] = wrong.disks[0]?.chain ?? [];
  if (link !== undefined) link.fileName = `volume-${randomUUID()}.0.qcow2`;
  await expectStayed(await here.api.run(wrong), { code: 'MACHINE_DRIFTED' });
  const programme = { ...body(), destinationUri: 'qemu+ext:///system?command=/bin/true' };
  await expectStayed(await here.api.run(programme), { code: 'CAPABILITY_DISABLED' });
});

it('does not leave while a disk is on a file that is in no shared pool', async () => {
  const path = join(here.dir, 'local.qcow2');
  await runProgram('qemu-img', ['create', '-q', '-f', 'qcow2', path, '1M'], { deadlineMs: 20_000 });
  const how = ['--config', '--subdriver', 'qcow2', '--targetbus', 'virtio'];
  await here.virsh('attach-disk', machine.name, path, 'vdx', ...how);
  await expectStayed(await here.api.run(body()), { code: 'POOL_UNSUPPORTED' });
  await here.virsh('detach-disk', machine.name, 'vdx', '--config');
});

it('is cancelled on its way and goes on where it was', async () => {
  await virsh(here.uri, ['migrate-setspeed', machine.name, '5']);
  const command = await onItsWay();
  here.api.send({ type: 'command.cancel-requested', commandId: command.id });
  expect((await here.api.finished(command)).outcome).toEqual({ kind: 'cancelled', left: 'NOTHING' });
  expect(await stateHere()).toBe('running');
  expect(await listGuests(there.uri)).not.toContain(machine.name);
});

it('a libvirtd that dies on the way, here or there: looked up, and said what is', async () => {
  for (const dying of [there, here]) {
    await virsh(here.uri, ['migrate-setspeed', machine.name, SLOW]);
    const command = await onItsWay();
    await dying.restartLibvirtd();
    const { outcome } = await here.api.finished(command);
    if (outcome.kind === 'done') await expectMoved(outcome);
    else await expectStayed(outcome, { retryable: true });
    await run(here, 'true');
  }
});

it('an emulated machine stands still on its way, and is told to go on where it is', async () => {
  await virsh(here.uri, ['migrate-setspeed', machine.name, SLOW]);
  const mark = randomUUID();
  await run(here, `echo ${mark} > /tmp/held`);
  const command = await onItsWay();
  expect(await stateHere()).toBe('paused');
  await expectMoved((await here.api.finished(command)).outcome);
  expect(await stateHere()).toBe('running');
  expect(await run(here, 'cat /tmp/held')).toBe(mark);
});

// What the guest's memory holds then is QEMU's to answer for, and it does not before 9.0: where the machine is, is looked at, and no guest is asked.
it('goes on running on its way where the host says that its QEMU can', async () => {
  await here.agent.stop();
  here.agent.start(undefined, { COPPICE_AGENT_EMULATED_MEMORY: 'LIVE' });
  await here.api.connected();
  await virsh(here.uri, ['migrate-setspeed', machine.name, SLOW]);
  const command = await onItsWay();
  expect(await stateHere()).toBe('running');
  await expectMoved((await here.api.finished(command)).outcome);
});

it('a paused machine arrives paused', async () => {
  await virsh(here.uri, ['migrate-setspeed', machine.name, '1000']);
  await virsh(here.uri, ['suspend', machine.name]);
  await expectMoved(await here.api.run(body()), 'PAUSED');
  await virsh(here.uri, ['resume', machine.name]);
});

it.each(['migrate-machine/before-migration', 'migrate-machine/defined-there', 'migrate-machine/undefined-here'] as const)(
  '%s: a stopped machine is defined on one host in the end, and starts there',
  async (point) => {
    await here.virsh('destroy', machine.name);
    await expectMoved(await answerAfterCrash(here, body(), { point }), 'OFF');
    await here.virsh('start', machine.name);
  },
);

it('a managed save keeps a stopped machine where it is', async () => {
  await here.virsh('managedsave', machine.name);
  expect(await here.api.run(body())).toMatchObject({ kind: 'failed', failure: { code: 'MACHINE_STATE' } });
  expect(await listGuests(there.uri)).not.toContain(machine.name);
});
