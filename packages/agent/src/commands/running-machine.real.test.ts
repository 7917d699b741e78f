import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandFinished } from '@coppice/protocol';
import { guestAgentCommand, pingGuestAgent, runProgram, TickListener, tickSocketOf } from '@coppice/lab';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HostWorld } from '../testing/host-world.js';
import { resultOf, type TestMachine } from '../testing/test-machine.js';
import { until } from '../testing/until.js';

let world: HostWorld;
let machine: TestMachine;

beforeAll(async () => {
  world = await HostWorld.open();
  world.agent.start();
  machine = await world.addMachine('g1');
  await world.boot(machine);
  await world.api.connected();
});

afterAll(() => world.close());

/** Runs the commands of a snapshot that has to be refused; nothing may have changed then. Its end. */
async function refused(options: Parameters<TestMachine['nextSnapshot']>[0] = {}): Promise<CommandFinished['outcome']> {
  const { create, freeze } = machine.nextSnapshot(options);
  resultOf(await world.api.run(create), 'create-layers');
  const outcome = await world.api.run(freeze);
  expect(await world.sources(machine)).toEqual(machine.heads());
  expect(await world.sources(machine, true)).toEqual(machine.heads());
  const layers = freeze.volumes.map(({ volumeId, pool, newFileName }) => ({ volumeId, pool, fileName: newFileName }));
  resultOf(await world.api.run({ verb: 'discard-layers', machineUuid: machine.uuid, layers }), 'discard-layers');
  return outcome;
}

/** The same; the code alone. */
async function refusal(options: Parameters<TestMachine['nextSnapshot']>[0] = {}): Promise<string> {
  const outcome = await refused(options);
  return outcome.kind === 'failed' ? outcome.failure.code : outcome.kind;
}

it('freezes two disks of a running machine at once: whole backing names, explicit formats, no metadata, both definitions forward', async () => {
  const before = machine.heads();
  const result = await machine.snapshot();
  expect(result).toMatchObject({ consistency: 'CRASH', quiescedMs: null });
  expect(await world.sources(machine)).toEqual(machine.heads());
  expect(await world.sources(machine, true)).toEqual(machine.heads());
  for (const { target, files } of machine.volumes) {
    expect(await world.imageInfo(files[0] ?? '')).toMatchObject({
      'backing-filename': join(world.poolDir, before[target] ?? ''),
      'backing-filename-format': 'qcow2',
    });
  }
  expect((await world.virsh('snapshot-list', 'g1', '--name')).trim()).toBe('');
  expect(result.volumes.map(({ frozen }) => frozen.fileName)).toEqual(Object.values(before));
  for (const xml of [result.definition.inactiveXml, result.definition.liveXml ?? '']) {
    expect(xml).not.toContain('backingStore');
    for (const file of Object.values(before)) expect(xml).toContain(file);
  }
  expect(result.definition).toMatchObject({ vcpus: 1, memoryBytes: 96 * 1024 * 1024, machineType: 'pc-i440fx-7.2', disks: ['vda', 'vdb'] });
});

it('quiesces: the frozen file systems are clean, and the writer goes on', async () => {
  const listener = await TickListener.open(tickSocketOf(machine.guest));
  const result = await machine.snapshot({ quiesceMs: 60_000 });
  await listener.next(5);
  listener.close();
  expect(result.consistency).toBe('FILESYSTEM');
  expect(result.quiescedMs).toBeGreaterThan(0);
  expect(await machine.freezeStatus()).toBe('thawed');
  for (const { frozen } of result.volumes) {
    const raw = join(world.dir, 'frozen.raw');
    await runProgram('qemu-img', ['convert', '-U', '-f', 'qcow2', '-O', 'raw', join(world.poolDir, frozen.fileName), raw], {
      deadlineMs: 30_000,
    });
    const { stdout } = await runProgram('dumpe2fs', ['-h', raw], { deadlineMs: 30_000 });
    expect(stdout).not.toContain('needs_recovery');
  }
});

it('freezes a subset and leaves the other disk alone', async () => {
  const other = machine.heads()['vdb'];
  const result = await machine.snapshot({ targets: ['vda'] });
  expect(result.volumes).toHaveLength(1);
  expect((await world.sources(machine))['vdb']).toBe(other);
});

it('refuses to quiesce with a hung agent, with nothing changed', async () => {
  const pid = (await machine.exec('pidof qemu-ga || pidof ld-linux-x86-64.so.2')).trim().split(' ')[0];
  const { create, freeze } = machine.nextSnapshot({ quiesceMs: 2_000 });
  resultOf(await world.api.run(create), 'create-layers');
  await guestAgentCommand(world.uri, machine.name, {
    execute: 'guest-exec',
    arguments: { path: 'sh', arg: ['-c', `sleep 1; kill -STOP ${pid}`], env: ['PATH=/bin:/sbin'] },
  });
  await until('the guest agent to hang', async () => !(await pingGuestAgent(world.uri, machine.name)));
  const outcome = await world.api.run(freeze);
  expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'GUEST_AGENT_UNAVAILABLE', retryable: true } });
  expect(await world.sources(machine)).toEqual(machine.heads());
  await world.virsh('destroy', 'g1');
  await world.boot(machine);
  expect(await machine.freezeStatus()).toBe('thawed');
});

it('refuses to quiesce what somebody else froze, and leaves that freeze alone', async () => {
  await world.virsh('domfsfreeze', 'g1');
  try {
    expect(await refusal({ quiesceMs: 5_000 })).toBe('GUEST_AGENT_UNAVAILABLE');
    expect(await machine.freezeStatus()).toBe('frozen');
  } finally {
    await world.virsh('domfsthaw', 'g1');
  }
});

it('refuses to quiesce a paused machine, and freezes it without', async () => {
  await world.virsh('suspend', 'g1');
  try {
    expect(await refusal({ quiesceMs: 5_000, power: 'PAUSED' })).toBe('GUEST_AGENT_UNAVAILABLE');
    expect(await refusal({ power: 'ON' })).toBe('MACHINE_STATE');
    expect(await machine.snapshot({ power: 'PAUSED' })).toMatchObject({ consistency: 'CRASH' });
    expect(await world.sources(machine)).toEqual(machine.heads());
  } finally {
    await world.virsh('resume', 'g1');
  }
});

it('answers MACHINE_BUSY at once beside a backup job, instead of waiting for the lock of libvirt', async () => {
  const path = join(world.dir, 'backup.xml');
  const socket = join(world.runDir, 'b.sock');
  await writeFile(path, `<domainbackup mode='pull'><server transport='unix' socket='${socket}'/></domainbackup>`);
  await world.virsh('backup-begin', 'g1', path);
  try {
    // libvirt's own words, half a minute later, would be others.
    expect(await refused()).toMatchObject({ failure: { code: 'MACHINE_BUSY', message: expect.stringContaining('is busy with') } });
  } finally {
    await world.virsh('domjobabort', 'g1');
  }
});

it('refuses a machine with snapshots of libvirt, a chain that is not the recorded one, and a name that is taken', async () => {
  const drifted = machine.nextSnapshot();
  const [volume] = drifted.freeze.volumes;
  if (volume !== undefined) volume.chain = volume.chain.slice(0, -1);
  const short = { ...drifted.create, volumes: drifted.freeze.volumes.map((one) => ({ ...one, virtualBytes: 64 * 1024 * 1024 })) };
  expect(await world.api.run({ ...short, verb: 'create-layers' })).toMatchObject({ failure: { code: 'MACHINE_DRIFTED' } });

  const taken = machine.nextSnapshot();
  const [, second] = taken.freeze.volumes;
  const path = join(world.poolDir, second?.newFileName ?? '');
  await writeFile(path, 'somebody wrote this');
  expect(await world.api.run(taken.create)).toMatchObject({ failure: { code: 'IO_ERROR' } });
  expect(await readFile(path, 'utf8')).toBe('somebody wrote this');
  expect(await readdir(world.poolDir)).not.toContain(taken.freeze.volumes[0]?.newFileName);

  await world.virsh(
    'snapshot-create-as',
    'g1',
    'mine',
    '--disk-only',
    '--diskspec',
    `vda,file=${join(world.poolDir, 'mine.qcow2')}`,
    '--diskspec',
    'vdb,snapshot=no',
  );
  try {
    expect(await world.api.run(machine.nextSnapshot().create)).toMatchObject({ failure: { code: 'MIXED_SNAPSHOT_KINDS' } });
  } finally {
    await world.virsh('snapshot-delete', 'g1', 'mine', '--metadata');
    await world.virsh('blockcommit', 'g1', 'vda', '--active', '--pivot', '--base', join(world.poolDir, machine.heads()['vda'] ?? ''));
  }
  expect(await world.sources(machine)).toEqual(machine.heads());
});

it('discards nothing that is read, and what nothing reads', async () => {
  const [volume] = machine.volumes;
  const discard = (fileName: string) =>
    world.api.run({
      verb: 'discard-layers',
      machineUuid: machine.uuid,
      layers: [{ volumeId: volume?.volumeId ?? '', pool: 'pool', fileName }],
    });
  expect(await discard(volume?.files[0] ?? '')).toMatchObject({ failure: { code: 'MACHINE_DRIFTED' } });
  expect(await discard(volume?.files[1] ?? '')).toMatchObject({ failure: { code: 'MACHINE_BUSY', retryable: true } });
  const { create, freeze } = machine.nextSnapshot({ targets: ['vda'] });
  resultOf(await world.api.run(create), 'create-layers');
  const fresh = freeze.volumes[0]?.newFileName ?? '';
  expect(resultOf(await discard(fresh), 'discard-layers').discarded).toEqual([fresh]);
  expect(resultOf(await discard(fresh), 'discard-layers').discarded).toEqual([fresh]);
  expect(await readdir(world.poolDir)).not.toContain(fresh);
});
