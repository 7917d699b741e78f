/** Migration between two libvirts over one pool, live and stopped, also when agents and libvirtds die in the middle. */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandBody, CommandFinished, CommandIssued } from '@coppice/protocol';
import { guestExec, runProgram, someOf, virsh } from '@coppice/lab';
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
}, 90_000);

afterAll(async () => {
  await second.close();
  await first.close();
}, 60_000);

function body(to: HostWorld = there): Extract<CommandBody, { verb: 'migrate-machine' }> {
  const disks = machine.volumes.map(({ target, files }) => ({
    target,
    chain: files.map((fileName) => ({ pool: 'pool', fileName, format: 'qcow2' as const })),
  }));
  return { verb: 'migrate-machine', machineUuid: machine.uuid, destinationUri: to.uri, disks };
}

async function names(world: HostWorld): Promise<string[]> {
  return (await virsh(world.uri, ['list', '--all', '--name'])).split('\n').filter((name) => name !== '');
}

/** In the guest; its agent may need a while to find its new host. */
async function run(world: HostWorld, script: string): Promise<string> {
  const answer = until(
    'the guest to answer',
    async () => {
      const ended = await guestExec({ libvirtUri: world.uri, name: machine.name }, ['sh', '-c', script]).catch(() => undefined);
      return ended === undefined ? undefined : { text: ended.stdout.trim() };
    },
    150_000,
  );
  return (await answer).text;
}

/** The process that talks to libvirt for the agent of that world. */
function libvirtChildOf(world: HostWorld): number {
  const tasks = `/proc/${world.agent.pid}/task`;
  const pids = readdirSync(tasks).flatMap((task) => readFileSync(`${tasks}/${task}/children`, 'utf8').trim().split(' '));
  const found = pids.map(Number).find((pid) => pid > 1);
  if (found === undefined) throw new Error('the agent has no libvirt child');
  return found;
}

/** Where the machine has to be now, alone, on the disks that are recorded, and with the guest that was there before. */
async function expectMoved(outcome: CommandFinished['outcome'], power: 'ON' | 'PAUSED' | 'OFF' = 'ON'): Promise<void> {
  expect(resultOf(outcome, 'migrate-machine').power).toBe(power);
  expect(await names(here)).not.toContain(machine.name);
  expect(await names(there)).toContain(machine.name);
  expect(await there.sources(machine)).toEqual(machine.heads());
  expect(await there.sources(machine, true)).toEqual(machine.heads());
  expect(await virsh(there.uri, ['dominfo', machine.name])).toMatch(/Persistent:\s+yes/);
  [here, there] = [there, here];
}

async function expectStayed(outcome: CommandFinished['outcome'], failure: Record<string, unknown>): Promise<void> {
  expect(outcome).toMatchObject({ kind: 'failed', failure });
  expect((await virsh(here.uri, ['domstate', machine.name])).trim()).toBe('running');
  expect(await names(there)).not.toContain(machine.name);
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
  await expect.poll(() => here.api.all('inventory.machine-seen').at(-1)?.machine.uuid === machine.uuid, { timeout: 10_000 }).toBe(true);
  await expect
    .poll(() => there.api.all('inventory.completed').at(-1)?.machineUuids.includes(machine.uuid), { timeout: 10_000 })
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

const LIVE_POINTS = [
  'migrate-machine/before-migration',
  'migrate-machine/while-migrating',
  'migrate-machine/after-migration',
  'migrate-machine/before-finished-record',
] as const;

it.each(someOf(LIVE_POINTS, 1))('%s: it is on one host, and the next agent brings it to the other', async (point) => {
  const mark = randomUUID();
  await run(here, `echo ${mark} > /a/mark; sync`);
  // In MiB a second: on a quiet machine the memory is there before anyone has looked on its way.
  const mebibytesPerSecond = point === 'migrate-machine/while-migrating' ? '20' : '1000';
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

it.each(someOf(['is killed at any moment of a migration: the machine is never on two hosts, nor on none'], 0))(
  '%s',
  async () => {
    for (const delayMs of someOf([150, 350, 550, 750, 950, 1200], 3)) {
      const command = here.api.issue(body());
      await sleep(delayMs);
      await here.agent.stop('SIGKILL');
      here.agent.start();
      await expectMoved((await here.api.finished(command, 90_000)).outcome);
      expect(await run(here, 'cat /proc/sys/kernel/hostname')).not.toBe('');
    }
  },
  300_000,
);

/** A migration whose memory has arrived, and whose end the new host's libvirtd, which stands still, has not heard of. */
async function beforeItsEnd(): Promise<CommandIssued> {
  await virsh(here.uri, ['migrate-setspeed', machine.name, '20']);
  const command = here.api.issue(body());
  const isMoving = () => here.api.all('command.progressed').some((one) => one.commandId === command.id && (one.bytesDone ?? 0) > 0);
  await expect.poll(isMoving, { timeout: 20_000, interval: 20 }).toBe(true);
  there.signalLibvirtd('SIGSTOP');
  await expect
    .poll(async () => (await virsh(here.uri, ['domstate', machine.name])).trim(), { timeout: 20_000, interval: 50 })
    .toBe('paused');
  return command;
}

it.each(someOf(['the agent dies before the new host has said whether it has the machine: it goes on at one of them'], 0))(
  '%s',
  async () => {
    const world = here;
    const command = await beforeItsEnd();
    await world.agent.stop('SIGKILL');
    await sleep(1_000);
    there.signalLibvirtd('SIGCONT');
    world.agent.start();
    await expectMoved((await world.api.finished(command, 90_000)).outcome);
    expect(world.agent.log).toMatch(/the machine goes on here|what was left of it here is ended/);
    expect(await run(here, 'echo here')).toBe('here');
  },
  300_000,
);

it.each(someOf(['the agent dies after the new host has it and before the old one is told: what is left here is ended'], 0))(
  '%s',
  async () => {
    const world = here;
    const command = await beforeItsEnd();
    const child = libvirtChildOf(world);
    process.kill(child, 'SIGSTOP');
    there.signalLibvirtd('SIGCONT');
    const isThere = async () =>
      /State:\s+running[^]*Persistent:\s+yes/.test(await virsh(there.uri, ['dominfo', machine.name]).catch(() => ''));
    await expect.poll(isThere, { timeout: 20_000 }).toBe(true);
    await world.agent.stop('SIGKILL');
    process.kill(child, 'SIGKILL');
    world.agent.start();
    await expectMoved((await world.api.finished(command, 90_000)).outcome);
    expect(world.agent.log).toContain('what was left of it here is ended');
    expect(await run(here, 'echo here')).toBe('here');
  },
  300_000,
);

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
  const command = here.api.issue(body());
  await expect
    .poll(() => here.api.all('command.progressed').some((one) => one.commandId === command.id && (one.bytesDone ?? 0) > 0), {
      timeout: 20_000,
    })
    .toBe(true);
  here.api.send({ type: 'command.cancel-requested', commandId: command.id });
  expect((await here.api.finished(command)).outcome).toEqual({ kind: 'cancelled', left: 'NOTHING' });
  expect((await virsh(here.uri, ['domstate', machine.name])).trim()).toBe('running');
  expect(await names(there)).not.toContain(machine.name);
});

it.each(someOf(['a libvirtd that dies on the way, here or there: looked up, and said what is'], 0))(
  '%s',
  async () => {
    for (const dying of [there, here]) {
      await virsh(here.uri, ['migrate-setspeed', machine.name, '20']);
      const command = here.api.issue(body());
      await sleep(1_500);
      await dying.restartLibvirtd();
      const { outcome } = await here.api.finished(command, 120_000);
      if (outcome.kind === 'done') await expectMoved(outcome);
      else await expectStayed(outcome, { retryable: true });
      await run(here, 'true');
    }
  },
  240_000,
);

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
  expect(await names(there)).not.toContain(machine.name);
});
