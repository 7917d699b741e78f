/** Machines made from VM snapshots: they read what the snapshot shows, byte by byte, and neither side changes the other. */
import { virsh } from '@coppice/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askToClone, clone, cloneContent, type Clone, headsOf, makeTemplate, templateFiles, templatesOf } from '../testkit/clone-calls.js';
import { contentHash, writeStep } from '../testkit/content.js';
import { machineBecomes, machineSeen } from '../testkit/machine-calls.js';
import { expectNoOrphans, expectOneOperationAtATime } from '../testkit/on-disk.js';
import { chainOnDisk, checkImage, disksOf } from '../testkit/outside-probes.js';
import { doTo } from '../testkit/operation-calls.js';
import { machineIsIdle, type SnapshotAnswer, takeSnapshot, treeOf } from '../testkit/snapshot-calls.js';
import { deleteSnapshots } from '../testkit/tree-calls.js';
import { expectSame, treeContent } from '../testkit/tree-content.js';
import { waitUntil } from '../testkit/wait-until.js';
import { type KnownMachine, World } from '../testkit/world.js';

const KIB = 1024;
const MIB = 1024 * KIB;

let world: World;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
});
afterAll(async () => {
  await world?.stop();
});

function owner() {
  return world.as(world.acme.ownerToken);
}

/** Writes what only `n` has, and what every step writes over, into every one of these files. */
async function write(paths: readonly string[], n: number): Promise<void> {
  for (const path of paths) {
    await writeStep(path, n);
  }
}

/** A chain of snapshots s1 to s3 of a machine that is off, and something written since. */
async function chainOfThree(known: KnownMachine): Promise<readonly SnapshotAnswer[]> {
  const taken: SnapshotAnswer[] = [];
  for (let n = 1; n <= 3; n += 1) {
    await write(Object.values(await disksOf(known.machine, 'persistent')), n);
    taken.push(await takeSnapshot(owner(), known, { name: `s${n}` }));
  }
  await write(Object.values(await disksOf(known.machine, 'persistent')), 4);
  return taken;
}

async function chainLengths(made: Clone): Promise<Readonly<Record<string, number>>> {
  const entries: [string, number][] = [];
  for (const [target, path] of Object.entries(await headsOf(world, made))) entries.push([target, (await chainOnDisk(path)).length]);
  return Object.fromEntries(entries);
}

describe('GA-7: a snapshot in the middle of a chain, of a machine that is off', () => {
  let known: KnownMachine;
  let middle: SnapshotAnswer;
  let taken: readonly SnapshotAnswer[];
  beforeAll(async () => {
    known = await world.addMachine({ name: 'origin', power: 'off' });
    taken = await chainOfThree(known);
    const [, second] = taken;
    if (second === undefined) throw new Error('no snapshots were made');
    middle = second;
  });

  it('GA-7: a clone has all of it in files of its own', async () => {
    const before = await treeContent(world, known);
    const made = await clone(world, middle.id, { name: 'full' });
    expect(await cloneContent(world, made)).toEqual(before.get(middle.id));
    expect(await chainLengths(made)).toEqual({ vda: 1, vdb: 1 });
    for (const path of Object.values(await headsOf(world, made))) await checkImage(path);
    expect(await machineSeen(owner(), made)).toMatchObject({ state: 'STOPPED', powerState: 'OFF', drift: null, operation: null });
    expect((await treeOf(owner(), made)).snapshotTree.nodes).toEqual([]);
    expectSame(before, await treeContent(world, known), []);
    await expectNoOrphans(world);
    const xml = await virsh(world.host('h1').libvirtUri, ['dumpxml', made.domain]);
    expect(xml).not.toMatch(/origin\.(tick|console)/);
    expect(await virsh(world.host('h1').libvirtUri, ['dominfo', made.domain])).toMatch(/Autostart:\s+disable/);
  });

  it('GA-7: a template has all of it in files that nobody writes, whatever becomes of the snapshot', async () => {
    const before = await treeContent(world, known);
    const templateId = await makeTemplate(owner(), { name: 'golden', vmSnapshotId: middle.id });
    const files = await templateFiles(world, 'golden');
    const content: [string, string][] = [];
    for (const [target, path] of Object.entries(files)) {
      content.push([target, await contentHash(path)]);
      expect(await chainOnDisk(path)).toHaveLength(1);
      await checkImage(path);
    }
    expect(Object.fromEntries(content)).toEqual(before.get(middle.id));
    expectSame(before, await treeContent(world, known), []);
    const [seen] = await templatesOf(owner());
    expect(seen).toMatchObject({ id: templateId, name: 'golden', state: 'READY', virtualBytes: 2 * 64 * MIB });
    expect(seen?.physicalBytes).toBeGreaterThan(600 * KIB);
    expect(await templatesOf(world.as(world.globex.ownerToken))).toEqual([]);
    await expectNoOrphans(world);
    await doTo(owner(), 'deleteTemplate', { templateId });
    expect(await templatesOf(owner())).toEqual([]);
    await expectNoOrphans(world);
  });

  it('GA-7: a linked clone shares layers; what it writes is its own, and deletes on the other side leave it alone', async () => {
    const before = await treeContent(world, known);
    const made = await clone(world, middle.id, { name: 'linked', linked: true });
    expect(await cloneContent(world, made)).toEqual(before.get(middle.id));
    expect(await chainLengths(made)).toEqual({ vda: 3, vdb: 3 });
    const heads = Object.values(await headsOf(world, made));
    await write(heads, 9);
    expectSame(before, await treeContent(world, known), []);
    const content = await cloneContent(world, made);
    expect(content).not.toEqual(before.get(middle.id));
    await deleteSnapshots(owner(), known, { snapshotIds: [middle.id] });
    expect(await cloneContent(world, made)).toEqual(content);
    expectSame(before, await treeContent(world, known), [middle.id]);
    await deleteSnapshots(owner(), known, { snapshotIds: taken.filter(({ id }) => id !== middle.id).map(({ id }) => id) });
    expect(await cloneContent(world, made)).toEqual(content);
    expect((await treeContent(world, known)).get('head')).toEqual(before.get('head'));
    await expectNoOrphans(world);
    expect((await machineSeen(owner(), made)).drift).toBeNull();

    // The machine goes, with all that the clone does not read; the rest is the clone's, and is merged like any other.
    await doTo(owner(), 'destroyVirtualMachine', { virtualMachineId: known.id });
    expect(await cloneContent(world, made)).toEqual(content);
    const own = await takeSnapshot(owner(), { ...known, id: made.id }, { name: 'own' });
    await deleteSnapshots(owner(), made, { snapshotIds: [own.id] });
    await waitUntil(
      'the clone to stand alone',
      async () => (await chainLengths(made))['vda'] === 1 && (await chainLengths(made))['vdb'] === 1,
    );
    await machineIsIdle(owner(), made);
    expect(await cloneContent(world, made)).toEqual(content);
    await expectNoOrphans(world);
    await doTo(owner(), 'destroyVirtualMachine', { virtualMachineId: made.id });
    await expectNoOrphans(world);
    await expectOneOperationAtATime(world);
  });
});

it('GA-7: clones of a running machine: both kinds read what the snapshot shows, and a linked one boots beside it', async () => {
  const known = await world.addMachine({ name: 'busy' });
  const taken = await takeSnapshot(owner(), known, { name: 's1' });
  const later = await takeSnapshot(owner(), known, { name: 's2' });
  const before = await treeContent(world, known);
  const full = await clone(world, taken.id, { name: 'copy' });
  expect(await cloneContent(world, full)).toEqual(before.get(taken.id));
  const linked = await clone(world, taken.id, { name: 'twin', linked: true, start: true });
  expect(await machineSeen(owner(), linked)).toMatchObject({ state: 'RUNNING', powerState: 'ON' });
  await machineBecomes(owner(), linked, (seen) => seen.guestAgent === 'CONNECTED');
  expect(await known.machine.state()).toBe('running');
  expectSame(before, await treeContent(world, known), []);
  // Open in two running machines: nothing merges it, and both run on.
  await deleteSnapshots(owner(), known, { snapshotIds: [taken.id] });
  expect((await treeContent(world, known)).get(later.id)).toEqual(before.get(later.id));
  await doTo(owner(), 'destroyVirtualMachine', { virtualMachineId: linked.id });
  await known.machine.writes();
  await known.machine.cutPower();
});

it('refuses what cannot be: another project’s snapshot, a name that is taken, an idempotency key for something else', async () => {
  const known = await world.addMachine({ name: 'asked', power: 'off' });
  const taken = await takeSnapshot(owner(), known, { name: 's1' });
  const stranger = await askToClone(world.as(world.globex.ownerToken), taken.id, { name: 'mine' });
  expect(stranger).toMatchObject({ virtualMachine: null, operation: null, errors: [{ code: 'NOT_FOUND' }] });
  expect((await askToClone(owner(), taken.id, { name: 'asked' })).errors).toMatchObject([{ code: 'NAME_TAKEN' }]);
  expect((await askToClone(owner(), taken.id, { name: ' ' })).errors).toMatchObject([{ code: 'INVALID_INPUT' }]);
  const first = await askToClone(owner(), taken.id, { name: 'again', linked: true, idempotencyKey: 'k' });
  const second = await askToClone(owner(), taken.id, { name: 'again', linked: true, idempotencyKey: 'k' });
  expect(second.operation?.id).toBe(first.operation?.id);
  expect(second.virtualMachine?.id).toBe(first.virtualMachine?.id);
  expect((await askToClone(owner(), taken.id, { name: 'other', idempotencyKey: 'k' })).errors).toMatchObject([
    { code: 'IDEMPOTENCY_CONFLICT' },
  ]);
  await machineIsIdle(owner(), known);
});
