/** Machines go from host to host over shared storage, with their trees. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { contentHash } from '../testkit/content.js';
import { machineBecomes, machineSeen } from '../testkit/machine-calls.js';
import type { Machine } from '../testkit/machine.js';
import { mark, marksOf } from '../testkit/marks.js';
import { expectNoOrphans, expectOneOperationAtATime } from '../testkit/on-disk.js';
import { doTo, refusalOf } from '../testkit/operation-calls.js';
import { disksOf } from '../testkit/outside-probes.js';
import { type SnapshotAnswer, snapshotIn, takeSnapshot, treeOf } from '../testkit/snapshot-calls.js';
import { type KnownMachine, World } from '../testkit/world.js';

let world: World;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1', 'h2'] });
});
afterAll(async () => {
  await world?.stop();
});

const operator = () => world.as(world.acme.operatorToken);

async function hostId(name: string): Promise<string> {
  const { hosts } = await world.admin.ask<{ hosts: { nodes: { id: string; name: string }[] } }>(
    'query Hosts { hosts { nodes { id name } } }',
  );
  return hosts.nodes.find((host) => host.name === name)?.id ?? '';
}

async function names(machine: Machine): Promise<string> {
  return machine.virsh('list', '--all', '--name');
}

/** What a reader of each of the snapshot's layers finds. */
async function contentOf(snapshot: SnapshotAnswer): Promise<readonly string[]> {
  const { disks } = await snapshotIn(world.admin, snapshot.id, 'READY');
  return Promise.all(disks.map((disk) => contentHash(world.layerPath(disk))));
}

async function on(host: string, known: KnownMachine): Promise<void> {
  await machineBecomes(world.admin, known, (seen) => seen.host?.name === host && seen.drift === null && seen.operation === null);
}

it('a running machine with a tree goes to the other host: guest, counter and tree go on, and the tree works there', async () => {
  const known = await world.addMachine({ name: 'moves' });
  await mark(known.machine, 'one');
  const s1 = await takeSnapshot(operator(), known, { name: 's1', quiesce: true });
  await mark(known.machine, 'two');
  const before = { content: await contentOf(s1), marks: await marksOf(known.machine), tree: await treeOf(operator(), known) };

  await doTo(world.admin, 'migrateVirtualMachine', { virtualMachineId: known.id, hostId: await hostId('h2') });

  await on('h2', known);
  const there = known.machine.movedTo(world.host('h2'));
  expect(await names(known.machine)).not.toContain('moves');
  expect(await there.state()).toBe('running');
  await there.writes();
  // The same boot, with what was in its memory: it was moved, not started anew.
  expect(await marksOf(there)).toEqual(before.marks);
  expect(await contentOf(s1)).toEqual(before.content);
  const { snapshotTree } = await treeOf(operator(), known);
  expect({ ...snapshotTree, cursor: '' }).toEqual({ ...before.tree.snapshotTree, cursor: '' });
  expect(await disksOf(there, 'live')).toEqual(await disksOf(there, 'persistent'));

  await machineBecomes(world.admin, known, ({ guestAgent, operation }) => guestAgent === 'CONNECTED' && operation === null);
  const s2 = await takeSnapshot(operator(), known, { name: 's2', quiesce: true });
  expect((await snapshotIn(operator(), s2.id, 'READY')).parent?.id).toBe(s1.id);
  await mark(there, 'three');
  await doTo(operator(), 'revertToVmSnapshot', { snapshotId: s1.id, start: true });
  await there.writes();
  expect(await marksOf(there)).toMatchObject({ vda: 'one', vdb: 'one' });
  await expectNoOrphans(world);
});

it('a stopped machine goes by its definition, and comes back', async () => {
  const known = await world.addMachine({ name: 'rests', power: 'off' });
  const s1 = await takeSnapshot(operator(), known, { name: 's1' });
  const content = await contentOf(s1);
  await doTo(world.admin, 'migrateVirtualMachine', { virtualMachineId: known.id, hostId: await hostId('h2') });
  await on('h2', known);
  const there = known.machine.movedTo(world.host('h2'));
  expect(await there.state()).toBe('shut off');
  expect(await names(known.machine)).not.toContain('rests');
  await takeSnapshot(operator(), known, { name: 's2' });
  await doTo(world.admin, 'migrateVirtualMachine', { virtualMachineId: known.id, hostId: await hostId('h1') });
  await on('h1', known);
  expect(await known.machine.state()).toBe('shut off');
  expect(await contentOf(s1)).toEqual(content);
  expect(await machineSeen(world.admin, known)).toMatchObject({ state: 'STOPPED' });
});

it('is an ADMIN’s to ask for, and refused where it cannot be', async () => {
  const known = await world.addMachine({ name: 'stays', power: 'off' });
  const input = { virtualMachineId: known.id, hostId: await hostId('h2') };
  expect(await refusalOf(world.as(world.acme.ownerToken), 'migrateVirtualMachine', input)).toBe('FORBIDDEN');
  expect(await refusalOf(world.admin, 'migrateVirtualMachine', { ...input, hostId: await hostId('h1') })).toBe('INVALID_INPUT');
  const { storagePools } = await world.admin.ask<{ storagePools: { nodes: { id: string }[] } }>(
    'query Pools { storagePools { nodes { id } } }',
  );
  const moved = { ...input, storagePoolId: storagePools.nodes[0]?.id ?? '' };
  expect(await refusalOf(world.admin, 'migrateVirtualMachine', moved)).toBe('CAPABILITY_DISABLED');
  await expectOneOperationAtATime(world);
});
