/** Deleting snapshots of machines that are off: what survives reads the same, by hash, and the files are as few and as cheaply made as planned. */
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writePatterns, writeStep } from '../testkit/content.js';
import { bytesTold, costsByTarget, ownClusters } from '../testkit/moved-bytes.js';
import { expectNoOrphans, expectOneOperationAtATime } from '../testkit/on-disk.js';
import { disksOf, headOf, layerFilesOf } from '../testkit/outside-probes.js';
import { findSnapshot, type SnapshotAnswer, takeSnapshot, treeOf } from '../testkit/snapshot-calls.js';
import { type DeleteRequest, deleteSnapshots, planDelete, revertTo } from '../testkit/tree-calls.js';
import { chainNames, expectSame, expectSmallestForest, treeContent } from '../testkit/tree-content.js';
import { waitUntil } from '../testkit/wait-until.js';
import { type KnownMachine, World } from '../testkit/world.js';

const MIB = 1024 * 1024;

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

function off(name: string): Promise<KnownMachine> {
  return world.addMachine({ name, power: 'off' });
}

/** Writes what only `n` has, and what every step writes over, into both disks. */
async function write(known: KnownMachine, n: number): Promise<void> {
  for (const path of Object.values(await disksOf(known.machine, 'persistent'))) {
    await writeStep(path, n);
  }
}

async function writeAndTake(known: KnownMachine, n: number): Promise<SnapshotAnswer> {
  await write(known, n);
  return takeSnapshot(owner(), known, { name: `s${n}` });
}

/** A chain of snapshots s1 to s`count`, and something written since. */
async function chainOf(known: KnownMachine, count: number): Promise<readonly SnapshotAnswer[]> {
  const snapshots: SnapshotAnswer[] = [];
  for (let n = 1; n <= count; n += 1) snapshots.push(await writeAndTake(known, n));
  await write(known, count + 1);
  return snapshots;
}

/** Deletes, and asserts that everything else reads as before and that no file could be spared. */
async function remove(known: KnownMachine, gone: readonly { readonly id: string }[], request: DeleteRequest = {}): Promise<string> {
  const before = await treeContent(world, known);
  const snapshotIds = gone.map(({ id }) => id);
  const { id } = await deleteSnapshots(owner(), known, { snapshotIds, ...request });
  expectSame(before, await treeContent(world, known), snapshotIds);
  await expectSmallestForest(world, known);
  await expectNoOrphans(world);
  return id;
}

async function shape(known: KnownMachine): Promise<Readonly<Record<string, string | null>>> {
  const { snapshotTree } = await treeOf(owner(), known);
  const nameOf = (id: string | undefined) => snapshotTree.nodes.find((node) => node.id === id)?.name ?? null;
  const parents = snapshotTree.nodes.map((node): [string, string | null] => [node.name, nameOf(node.parent?.id)]);
  return Object.fromEntries([...parents, ['current', nameOf(snapshotTree.current?.id)]]);
}

function named(snapshots: readonly SnapshotAnswer[], name: string): SnapshotAnswer {
  const found = snapshots.find((snapshot) => snapshot.name === name);
  if (found === undefined) throw new Error(`no snapshot was named ${name}`);
  return found;
}

describe('a chain of four', () => {
  let known: KnownMachine;
  let chain: readonly SnapshotAnswer[];
  beforeAll(async () => {
    known = await off('chain');
    chain = await chainOf(known, 4);
  });

  it('VM-10, GA-4: the current one goes; its parent is current then', async () => {
    await remove(known, [named(chain, 's4')]);
    expect(await shape(known)).toEqual({ s1: null, s2: 's1', s3: 's2', current: 's3' });
  });

  it('VM-11, GA-4: one in the middle, then the root', async () => {
    await remove(known, [named(chain, 's2')]);
    expect(await shape(known)).toEqual({ s1: null, s3: 's1', current: 's3' });
    await remove(known, [named(chain, 's1')]);
    expect(await shape(known)).toEqual({ s3: null, current: 's3' });
    expect((await findSnapshot(owner(), named(chain, 's1').id))?.state).toBe('REMOVED');
  });

  it('VM-12: all at once, of a longer chain: one file for each disk is left', async () => {
    await writeAndTake(known, 5);
    await writeAndTake(known, 6);
    await write(known, 7);
    const { snapshotTree } = await treeOf(owner(), known);
    await remove(known, snapshotTree.nodes);
    expect(await shape(known)).toEqual({ current: null });
    for (const { volumeUuid } of known.machine.guest.disks) expect(await layerFilesOf(world.poolDir, volumeUuid)).toHaveLength(1);
  });

  it('VM-12: a subtree, by its root alone', async () => {
    const [first, second] = await chainOf(known, 3);
    if (first === undefined || second === undefined) throw new Error('no snapshots were made');
    const before = await treeContent(world, known);
    await deleteSnapshots(owner(), known, { snapshotIds: [second.id], withDescendants: true });
    expect(await shape(known)).toEqual({ s1: null, current: 's1' });
    const after = await treeContent(world, known);
    expect(after.get(first.id)).toEqual(before.get(first.id));
    expect(after.get('head')).toEqual(before.get('head'));
    await expectNoOrphans(world);
  });
});

it('RV-5: a leaf whose machine went elsewhere: its file is discarded, and nothing moves', async () => {
  const known = await off('leaf');
  const chain = await chainOf(known, 3);
  await revertTo(owner(), known, { snapshot: named(chain, 's2') });
  const leaf = named(chain, 's3');
  const path = await pathOf(leaf);
  const plan = await planDelete(owner(), known, { snapshotIds: [leaf.id] });
  expect(plan.bytesToMove).toBe(0);
  expect(plan.bytesFreed).toBeGreaterThan(0);
  const operationId = await remove(known, [leaf], { planHash: plan.hash });
  expect(await bytesTold(world, operationId)).toBe(0);
  expect(await layerFilesOf(world.poolDir, known.machine.guest.disks[0]?.volumeUuid ?? '')).not.toContain(basename(path));
  expect(await shape(known)).toEqual({ s1: null, s2: 's1', current: 's2' });
});

describe('RV-6: an inner one', () => {
  it.each([
    { what: 'small above big is committed', below: 24, above: 8, keeps: 'below' },
    { what: 'big above small is pulled', below: 8, above: 24, keeps: 'above' },
  ] as const)('$what', async ({ below, above, keeps }) => {
    const known = await off(`inner-${keeps}`);
    const put = async (mib: number, byte: number, at = 4) => {
      await writePatterns(await headOf(known.machine, 'vda'), [{ offset: at * MIB, length: mib * MIB, byte }]);
      return takeSnapshot(owner(), known, { name: `s${byte}`, volumeIds: [known.volumes['vda'] ?? ''] });
    };
    await put(1, 1);
    const doomed = await put(below, 2, 30);
    const child = await put(above, 3);
    const paths = { below: await pathOf(doomed), above: await pathOf(child) };
    const costs = costsByTarget([await ownClusters(paths.below), await ownClusters(paths.above)]);
    expect(costs.indexOf(Math.min(...costs))).toBe(keeps === 'below' ? 0 : 1);
    const plan = await planDelete(owner(), known, { snapshotIds: [doomed.id] });
    expect(plan.bytesToMove).toBeGreaterThanOrEqual(Math.min(...costs));
    expect(plan.bytesToMove).toBeLessThanOrEqual(1.1 * Math.min(...costs));
    const operationId = await remove(known, [doomed], { planHash: plan.hash });
    expect(await bytesTold(world, operationId)).toBe(Math.min(...costs));
    expect(await pathOf(child)).toBe(paths[keeps]);
    expect(await shape(known)).toEqual({ s1: null, s3: 's1', current: 's3' });
  });
});

it('RV-7: with an alternate history: allowed; the layer is retained and shown, and merged when one branch is left', async () => {
  const known = await off('branches');
  const first = await writeAndTake(known, 1);
  const second = await writeAndTake(known, 2);
  await revertTo(owner(), known, { snapshot: first });
  const third = await writeAndTake(known, 3);
  await remove(known, [first]);
  expect(await shape(known)).toEqual({ s2: null, s3: null, current: 's3' });
  const retained = await retainedOf(known);
  expect(retained).toHaveLength(2);
  for (const { bytes, readBy } of retained) {
    expect(bytes).toBeGreaterThan(0);
    expect(readBy.map(({ id }) => id).toSorted()).toEqual([second.id, third.id].toSorted());
  }
  await remove(known, [second]);
  await waitUntil('nothing to be retained', async () => (await retainedOf(known)).length === 0);
  expect(await chainNames(await pathOf(third))).toHaveLength(1);
});

it('RV-10: s1, s2, s3; revert s2; s4; delete s2; delete s1; revert s3', async () => {
  const known = await off('story');
  const chain = await chainOf(known, 3);
  await revertTo(owner(), known, { snapshot: named(chain, 's2') });
  const fourth = await writeAndTake(known, 5);
  const third = named(chain, 's3');
  const before = await treeContent(world, known);
  await remove(known, [named(chain, 's2')]);
  await remove(known, [named(chain, 's1')]);
  await revertTo(owner(), known, { snapshot: third });
  const after = await treeContent(world, known);
  expect(after.get(third.id)).toEqual(before.get(third.id));
  expect(after.get(fourth.id)).toEqual(before.get(fourth.id));
  expect(after.get('head')).toEqual(before.get(third.id));
  await remove(known, [fourth]);
  await remove(known, [third]);
  for (const { volumeUuid } of known.machine.guest.disks) expect(await layerFilesOf(world.poolDir, volumeUuid)).toHaveLength(1);
});

it('and after all of it nothing is left running or claimed', async () => {
  await waitUntil('the system to have nothing to do', async () => {
    const rows = await world.database.sql(`SELECT 1 FROM operation WHERE state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')`);
    return rows.length === 0;
  });
  await expectOneOperationAtATime(world);
});

async function pathOf(snapshot: { readonly id: string }, target = 'vda'): Promise<string> {
  const disk = (await findSnapshot(world.admin, snapshot.id))?.disks.find((one) => one.target === target);
  if (disk === undefined) throw new Error(`snapshot ${snapshot.id} has no ${target}`);
  return world.layerPath(disk);
}

async function retainedOf(known: KnownMachine) {
  interface Answer {
    readonly virtualMachine: {
      readonly snapshotTree: { readonly retainedLayers: readonly { bytes: number; readBy: readonly { id: string }[] }[] };
    };
  }
  const document = `query Retained($id: ID!) { virtualMachine(id: $id) { snapshotTree { retainedLayers { bytes readBy { id } } } } }`;
  return (await owner().ask<Answer>(document, { id: known.id })).virtualMachine.snapshotTree.retainedLayers;
}
