/** Reverts of real guests: content, definition, what was attached meanwhile, and what libvirt kept of the old state. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitForGuestAgent } from '@coppice/lab';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HostWorld } from '../../testing/host-world.js';
import { resultOf, type TestMachine } from '../../testing/test-machine.js';
import { recordRevert, revert, revertTo, take, type TakenSnapshot } from '../../testing/test-revert.js';

let world: HostWorld;
let machine: TestMachine;
let first: TakenSnapshot;

beforeAll(async () => {
  world = await HostWorld.open();
  world.agent.start();
  machine = await world.addMachine('g1');
  await world.boot(machine);
  await world.api.connected();
  await mark('one');
  first = await take(machine);
  await mark('two');
});

afterAll(() => world.close());

async function mark(text: string): Promise<void> {
  await machine.exec(`echo ${text} > /a/mark; echo ${text} > /b/mark; sync`);
}

async function marks(): Promise<string> {
  await waitForGuestAgent(world.uri, machine.name);
  return (await machine.exec('cat /a/mark /b/mark')).replaceAll('\n', ' ').trim();
}

async function frozenHashes({ result }: TakenSnapshot): Promise<string[]> {
  const files = result.volumes.map(({ frozen }) => readFile(join(world.poolDir, frozen.fileName)));
  return (await Promise.all(files)).map((bytes) => createHash('sha256').update(bytes).digest('hex'));
}

async function expectOnHeads(): Promise<void> {
  expect(await world.sources(machine)).toEqual(machine.heads());
  expect(await world.sources(machine, true)).toEqual(machine.heads());
}

it('reverts a running machine and starts it: the content of then, the frozen files untouched, the old heads free to go', async () => {
  const hashes = await frozenHashes(first);
  const old = machine.volumes.map(({ volumeId, files }) => ({ volumeId, pool: 'pool', fileName: files[0] ?? '' }));
  const result = await revert(machine, first, { start: true });
  expect(result).toMatchObject({ power: 'ON', definitionBefore: { vcpus: 1, disks: ['vda', 'vdb'] } });
  for (const { fileName } of old) expect(result.definitionBefore.inactiveXml).toContain(fileName);
  expect(result.definition.inactiveXml).not.toContain('backingStore');
  await expectOnHeads();
  expect(await marks()).toBe('one one');
  await mark('three');
  expect(await frozenHashes(first)).toEqual(hashes);
  const discarded = resultOf(
    await world.api.run({ verb: 'discard-layers', machineUuid: machine.uuid, layers: old, snapshotFiles: [] }),
    'discard-layers',
  );
  expect(discarded.discarded).toHaveLength(2);
});

it('reverts only the disks of the snapshot, keeps the other as it is attached now, and stays off', async () => {
  const [a] = first.freeze.volumes;
  const only = { ...first, freeze: { ...first.freeze, volumes: a === undefined ? [] : [a] } };
  const kept = machine.heads()['vdb'];
  const result = await revert(machine, only, { keptTargets: ['vdb'] });
  expect(result.power).toBe('OFF');
  expect((await world.sources(machine, true))['vdb']).toBe(kept);
  await expectOnHeads();
  await world.boot(machine);
  expect(await marks()).toBe('one three');
});

it('gives the definition of then back, drops a managed save image, and what was attached since is detached and kept', async () => {
  await world.virsh('setvcpus', 'g1', '2', '--config', '--maximum');
  await world.virsh('setvcpus', 'g1', '2', '--config');
  const extra = join(world.poolDir, 'extra.raw');
  await writeFile(extra, Buffer.alloc(1024 * 1024));
  await world.virsh('attach-disk', 'g1', extra, 'vdc', '--driver', 'qemu', '--subdriver', 'raw', '--persistent');
  await world.virsh('managedsave', 'g1');
  const refused = revertTo(machine, first, { power: 'OFF' });
  resultOf(await world.api.run(refused.create), 'create-layers');
  expect(await world.api.run(refused.switchHeads)).toMatchObject({
    failure: { code: 'MACHINE_DRIFTED', message: expect.stringContaining('vdc') },
  });
  expect((await world.virsh('dominfo', 'g1')).replaceAll(/\s+/g, ' ')).toContain('Managed save: yes');
  const before = [
    ...refused.switchHeads.before,
    { volumeId: machine.uuid, target: 'vdc', head: { pool: 'pool', fileName: 'extra.raw', format: 'raw' as const } },
  ];
  const result = await revert(machine, first, { power: 'OFF', start: true, before });
  expect(result).toMatchObject({ power: 'ON', definition: { vcpus: 1, disks: ['vda', 'vdb'] }, definitionBefore: { vcpus: 2 } });
  expect((await world.virsh('dominfo', 'g1')).replaceAll(/\s+/g, ' ')).toContain('Managed save: no');
  await expectOnHeads();
  expect(await marks()).toBe('one one');
  expect(await readFile(extra)).toHaveLength(1024 * 1024);
});

it('leaves a disk that was exchanged untouched, and has the one of then back in its place', async () => {
  const other = join(world.poolDir, 'other.raw');
  await writeFile(other, Buffer.alloc(1024 * 1024, 'x'));
  await world.virsh('destroy', 'g1');
  await world.virsh('detach-disk', 'g1', 'vdb', '--config');
  await world.virsh('attach-disk', 'g1', other, 'vdb', '--driver', 'qemu', '--subdriver', 'raw', '--config');
  await world.virsh('start', 'g1');
  const before = revertTo(machine, first).switchHeads.before.map((disk) =>
    disk.target === 'vdb' ? { ...disk, head: { pool: 'pool', fileName: 'other.raw', format: 'raw' as const } } : disk,
  );
  const result = await revert(machine, first, { start: true, before });
  expect(result.definitionBefore.inactiveXml).toContain('other.raw');
  await expectOnHeads();
  expect(await marks()).toBe('one one');
  expect((await readFile(other)).equals(Buffer.alloc(1024 * 1024, 'x'))).toBe(true);
});

it('refuses before it stops anything: another head, another state, a chain or a disk that is not there', async () => {
  const { create, switchHeads } = revertTo(machine, first);
  expect(await world.api.run(switchHeads)).toMatchObject({ failure: { code: 'IMAGE_REFUSED' } });
  resultOf(await world.api.run(create), 'create-layers');
  const [one, ...others] = switchHeads.before;
  if (one === undefined) throw new Error('there are two disks');
  const drifted = { ...switchHeads, before: [{ ...one, head: { ...one.head, fileName: 'other.qcow2' } }, ...others] };
  expect(await world.api.run(drifted)).toMatchObject({ failure: { code: 'MACHINE_DRIFTED' } });
  expect(await world.api.run({ ...switchHeads, power: 'OFF' })).toMatchObject({ failure: { code: 'MACHINE_STATE' } });
  const strange = switchHeads.volumes.map((volume) => ({ ...volume, target: volume.target === 'vdb' ? 'vdz' : volume.target }));
  expect(await world.api.run({ ...switchHeads, volumes: strange })).toMatchObject({ failure: { code: 'NOT_REVERTIBLE' } });
  await expectOnHeads();
  expect(await marks()).toBe('one one');
  const layers = switchHeads.volumes.map(({ volumeId, pool, newFileName }) => ({ volumeId, pool, fileName: newFileName }));
  resultOf(await world.api.run({ verb: 'discard-layers', machineUuid: machine.uuid, layers, snapshotFiles: [] }), 'discard-layers');
});

it('puts everything back and starts the machine again where the new definition cannot be started', async () => {
  const broken = first.result.definition.inactiveXml.replace(/<kernel>[^<]*/, '<kernel>/no/such/kernel');
  const { create, switchHeads } = revertTo(machine, first, { inactiveXml: broken, start: true });
  resultOf(await world.api.run(create), 'create-layers');
  const outcome = await world.api.run(switchHeads);
  expect(outcome).toMatchObject({ kind: 'failed', left: 'NOTHING', failure: { message: expect.stringContaining('started again') } });
  await expectOnHeads();
  expect(await marks()).toBe('one one');
  expect(await world.virsh('dumpxml', 'g1', '--inactive')).not.toContain('/no/such/kernel');
  // The same layers serve the next try.
  const { switchHeads: again } = revertTo(machine, first, { start: true, volumes: switchHeads.volumes });
  resultOf(await world.api.run(again), 'switch-heads');
  recordRevert(machine, again);
  await expectOnHeads();
});
