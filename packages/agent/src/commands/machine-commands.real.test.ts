/** Power, shape, disks, removal and repair of machines on a real libvirt; each verb also when the agent dies at its points. */
import { readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CommandBody } from '@coppice/protocol';
import { runProgram } from '@coppice/lab';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withSources } from '../definition/domain-xml.js';
import { answerAfterCrash } from '../testing/answer-after-crash.js';
import { HostWorld } from '../testing/host-world.js';
import { resultOf, type TestMachine } from '../testing/test-machine.js';

let world: HostWorld;
let machine: TestMachine;

beforeAll(async () => {
  ({ world, machine } = await HostWorld.withMachine());
});

afterAll(() => world.close());

function disksOf(one: TestMachine) {
  return one.volumes.map(({ target, files }) => ({
    target,
    chain: files.map((fileName) => ({ pool: 'pool', fileName, format: 'qcow2' as const })),
  }));
}

function power(to: 'ON' | 'OFF', options: { force?: boolean; deadlineMs?: number } = {}): Extract<CommandBody, { verb: 'change-power' }> {
  const { force = false, deadlineMs = 30_000 } = options;
  return { verb: 'change-power', machineUuid: machine.uuid, to, force, deadlineMs, disks: disksOf(machine) };
}

/** What somebody may do by hand beside a managed save: overlays, and a definition that names them. */
async function putOnNewOverlays(): Promise<void> {
  const sources = new Map<string, { path: string; format: string }>();
  for (const { target, volumeId, files } of machine.volumes) {
    const path = join(world.poolDir, `volume-${volumeId}.${machine.nextNumber()}.qcow2`);
    const backing = join(world.poolDir, files[0] ?? '');
    await runProgram('qemu-img', ['create', '-f', 'qcow2', '-F', 'qcow2', '-b', backing, path], { deadlineMs: 20_000 });
    files.unshift(basename(path));
    sources.set(target, { path, format: 'qcow2' });
  }
  const xml = join(world.dir, 'put.xml');
  await writeFile(xml, withSources(await world.virsh('dumpxml', machine.name, '--inactive'), sources));
  await world.virsh('define', xml);
}

async function state(): Promise<string> {
  return (await world.virsh('domstate', machine.name)).trim();
}

it('starts, is asked to power off and does, and repeats change nothing', async () => {
  expect(resultOf(await world.api.run(power('ON')), 'change-power').power).toBe('ON');
  expect(resultOf(await world.api.run(power('ON')), 'change-power').power).toBe('ON');
  await expect.poll(() => machine.freezeStatus().catch(() => null), { timeout: 30_000 }).toBe('thawed');
  expect(resultOf(await world.api.run(power('OFF')), 'change-power').power).toBe('OFF');
  expect(await state()).toBe('shut off');
  expect(resultOf(await world.api.run(power('OFF')), 'change-power').power).toBe('OFF');
});

it.each([
  ['change-power/before-act', 'ON'],
  ['change-power/after-act', 'OFF'],
  ['change-power/after-act', 'ON'],
  ['change-power/before-act', 'OFF'],
] as const)('%s to %s: done once, by the next agent', async (point, to) => {
  const outcome = await answerAfterCrash(world, power(to, { force: true }), { point });
  expect(resultOf(outcome, 'change-power').power).toBe(to);
  expect(await state()).toBe(to === 'ON' ? 'running' : 'shut off');
});

it('a guest that does not power off in time runs on, and the answer says so', async () => {
  resultOf(await world.api.run(power('ON')), 'change-power');
  const outcome = await world.api.run(power('OFF', { deadlineMs: 300 }));
  expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'MACHINE_STATE', retryable: true } });
  await world.virsh('suspend', machine.name);
  expect(await world.api.run(power('OFF'))).toMatchObject({ failure: { code: 'MACHINE_STATE' } });
  expect(resultOf(await world.api.run(power('ON')), 'change-power').power).toBe('ON');
  resultOf(await world.api.run(power('OFF', { force: true })), 'change-power');
});

it('waits for a guest that does not hear, until it is cancelled', async () => {
  const deaf = await world.addMachine('deaf');
  const xml = join(world.dir, 'deaf.xml');
  const heard = /<acpi\/>|<channel type='unix'>\s*<target type='virtio' name='org.qemu[^]*?<\/channel>/g;
  await writeFile(xml, (await world.virsh('dumpxml', deaf.name, '--inactive')).replace(heard, ''));
  await world.virsh('define', xml);
  await world.virsh('start', deaf.name);
  const command = world.api.issue({ ...power('OFF', { deadlineMs: 60_000 }), machineUuid: deaf.uuid, disks: disksOf(deaf) });
  await expect.poll(() => world.api.all('command.progressed').some((one) => one.commandId === command.id), { timeout: 20_000 }).toBe(true);
  world.api.send({ type: 'command.cancel-requested', commandId: command.id });
  expect((await world.api.finished(command)).outcome).toEqual({ kind: 'cancelled', left: 'NOTHING' });
  expect((await world.virsh('domstate', deaf.name)).trim()).toBe('running');
  await world.virsh('destroy', deaf.name);
});

it('never starts on an old definition, on a chain that is not the recorded one, or with a layer under another disk', async () => {
  await machine.snapshot({ power: 'OFF' });
  const frozen = join(world.poolDir, machine.volumes[0]?.files[1] ?? '');
  const head = join(world.poolDir, machine.volumes[0]?.files[0] ?? '');
  await world.virsh('detach-disk', machine.name, 'vda', '--config');
  await world.virsh('attach-disk', machine.name, frozen, 'vda', '--config', '--subdriver', 'qcow2', '--targetbus', 'virtio');
  expect(await world.api.run(power('ON'))).toMatchObject({ failure: { code: 'MACHINE_DRIFTED' } });
  expect(await state()).toBe('shut off');
  await world.virsh('detach-disk', machine.name, 'vda', '--config');
  await world.virsh(
    'attach-disk',
    machine.name,
    head,
    'vda',
    '--config',
    '--subdriver',
    'qcow2',
    '--targetbus',
    'virtio',
    '--cache',
    'none',
  );
  await world.virsh('attach-disk', machine.name, frozen, 'vdx', '--config', '--subdriver', 'qcow2', '--targetbus', 'virtio');
  expect(await world.api.run(power('ON'))).toMatchObject({ failure: { code: 'MACHINE_DRIFTED' } });
  await world.virsh('detach-disk', machine.name, 'vdx', '--config');
  resultOf(await world.api.run(power('ON')), 'change-power');
  expect(await world.sources(machine)).toEqual(machine.heads());
});

it('starts on what the headers say, whatever chain a stale definition spells out', async () => {
  resultOf(await world.api.run(power('OFF', { force: true })), 'change-power');
  const stale = `<backingStore type='file'><format type='qcow2'/><source file='${join(world.poolDir, 'gone.qcow2')}'/><backingStore/></backingStore>`;
  const xml = join(world.dir, 'stale.xml');
  const clean = withSources(await world.virsh('dumpxml', machine.name, '--inactive'), new Map());
  await writeFile(xml, clean.replaceAll('<target dev="vd', `${stale}<target dev="vd`));
  await world.virsh('define', xml);
  expect(await world.virsh('dumpxml', machine.name, '--inactive')).toContain('gone.qcow2');
  resultOf(await world.api.run(power('ON')), 'change-power');
  expect(await world.virsh('dumpxml', machine.name)).not.toContain('gone.qcow2');
  expect(await world.sources(machine)).toEqual(machine.heads());
});

it('a managed save that fits is what it starts from; one of other disks is refused and stays', async () => {
  await world.virsh('managedsave', machine.name);
  expect(resultOf(await world.api.run(power('ON')), 'change-power').power).toBe('ON');
  await world.virsh('managedsave', machine.name);
  const heads = await world.sources(machine, true);
  await putOnNewOverlays();
  expect(await world.api.run(power('ON'))).toMatchObject({
    failure: { code: 'MACHINE_DRIFTED', message: expect.stringContaining('managed save') },
  });
  expect(await world.virsh('dominfo', machine.name)).toMatch(/Managed save:\s+yes/);
  expect(await world.sources(machine, true)).not.toEqual(heads);
  const repair = {
    verb: 'repair-machine',
    machineUuid: machine.uuid,
    disks: disksOf(machine),
    dropLibvirtSnapshots: false,
    dropManagedSave: true,
  } as const;
  resultOf(await world.api.run(repair), 'repair-machine');
  expect(await world.virsh('dominfo', machine.name)).toMatch(/Managed save:\s+no/);
});

it.each(['resize-machine/before-define', 'resize-machine/after-define'] as const)(
  '%s: another shape, from the next start on',
  async (point) => {
    const vcpus = point.endsWith('before-define') ? 2 : 1;
    const body: CommandBody = { verb: 'resize-machine', machineUuid: machine.uuid, vcpus, memoryBytes: 128 * 1024 * 1024 };
    const outcome = await answerAfterCrash(world, body, { point });
    expect(resultOf(outcome, 'resize-machine').definition).toMatchObject({ vcpus, memoryBytes: 128 * 1024 * 1024 });
    expect(await world.virsh('dominfo', machine.name)).toMatch(/Max memory:\s+131072 KiB/);
    resultOf(await world.api.run(body), 'resize-machine');
  },
);

it('resizes a running machine without touching it', async () => {
  resultOf(await world.api.run(power('ON')), 'change-power');
  const body: CommandBody = { verb: 'resize-machine', machineUuid: machine.uuid, vcpus: 2, memoryBytes: 96 * 1024 * 1024 };
  expect(resultOf(await world.api.run(body), 'resize-machine').definition.vcpus).toBe(2);
  expect((await world.virsh('vcpucount', machine.name, '--live', '--active')).trim()).toBe('1');
  expect((await world.virsh('vcpucount', machine.name, '--config', '--maximum')).trim()).toBe('2');
  resultOf(await world.api.run(power('OFF', { force: true })), 'change-power');
});

it.each(['repair-machine/before-changes', 'repair-machine/records-dropped', 'repair-machine/before-finished-record'] as const)(
  '%s: libvirt’s own snapshot is forgotten, its file is the head, and the definition names it',
  async (point) => {
    const fileName = `volume-${machine.volumes[0]?.volumeId ?? ''}.${machine.nextNumber()}.qcow2`;
    const vda = `vda,file=${join(world.poolDir, fileName)}`;
    await world.virsh('start', machine.name);
    await world.virsh('snapshot-create-as', machine.name, 'mine', '--disk-only', '--diskspec', vda, '--diskspec', 'vdb,snapshot=no');
    machine.volumes[0]?.files.unshift(fileName);
    expect(await world.api.run(power('ON'))).toMatchObject({ failure: { code: 'MIXED_SNAPSHOT_KINDS' } });
    const stop: CommandBody = { verb: 'change-power', machineUuid: machine.uuid, to: 'OFF', force: true, deadlineMs: 0, disks: [] };
    resultOf(await world.api.run(stop), 'change-power');
    const body: CommandBody = {
      verb: 'repair-machine',
      machineUuid: machine.uuid,
      disks: disksOf(machine),
      dropLibvirtSnapshots: true,
      dropManagedSave: true,
    };
    resultOf(await answerAfterCrash(world, body, { point }), 'repair-machine');
    expect((await world.virsh('snapshot-list', machine.name, '--name')).trim()).toBe('');
    expect(await world.sources(machine, true)).toEqual(machine.heads());
    resultOf(await world.api.run(power('ON')), 'change-power');
    expect(await world.sources(machine)).toEqual(machine.heads());
    resultOf(await world.api.run(power('OFF', { force: true })), 'change-power');
  },
);

it('puts a definition that names a frozen layer back on the head, and says no where only a stop would help', async () => {
  await machine.snapshot({ power: 'OFF' });
  const frozen = join(world.poolDir, machine.volumes[1]?.files[1] ?? '');
  await world.virsh('detach-disk', machine.name, 'vdb', '--config');
  await world.virsh('attach-disk', machine.name, frozen, 'vdb', '--config', '--subdriver', 'qcow2', '--targetbus', 'virtio');
  const body = {
    verb: 'repair-machine' as const,
    machineUuid: machine.uuid,
    disks: disksOf(machine),
    dropLibvirtSnapshots: false,
    dropManagedSave: false,
  };
  resultOf(await world.api.run(body), 'repair-machine');
  expect(await world.sources(machine, true)).toEqual(machine.heads());
  resultOf(await world.api.run(power('ON')), 'change-power');
  const [first, ...others] = disksOf(machine);
  const elsewhere = { target: first?.target ?? '', chain: first?.chain.slice(1) ?? [] };
  expect(await world.api.run({ ...body, disks: [elsewhere, ...others] })).toMatchObject({
    failure: { code: 'MACHINE_STATE' },
  });
});

it.each(['remove-machine/before-stop', 'remove-machine/stopped', 'remove-machine/undefined'] as const)(
  '%s: gone from the host, its files are not',
  async (point) => {
    const doomed = await world.addMachine(`doomed-${point.split('/')[1] ?? ''}`);
    await world.virsh('start', doomed.name);
    if (point === 'remove-machine/before-stop') await world.virsh('managedsave', doomed.name);
    const body: CommandBody = { verb: 'remove-machine', machineUuid: doomed.uuid };
    resultOf(await answerAfterCrash(world, body, { point }), 'remove-machine');
    expect(await world.virsh('list', '--all', '--name')).not.toContain(doomed.name);
    expect(await readdir(world.poolDir)).toEqual(expect.arrayContaining(doomed.volumes.flatMap(({ files }) => files)));
    resultOf(await world.api.run(body), 'remove-machine');
  },
);
