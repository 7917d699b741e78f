/** Deleting snapshots under a guest that goes on writing: merges inside its chain and at its head; what waits is done when it stops. */
import { guestExec } from '@coppice/lab';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { machineBecomes } from '../testkit/machine-calls.js';
import { marksOf } from '../testkit/marks.js';
import { planMeasuredDelete } from '../testkit/measured-plan.js';
import { bytesTold } from '../testkit/moved-bytes.js';
import { expectNoOrphans, expectOneOperationAtATime } from '../testkit/on-disk.js';
import type { PlanAnswer } from '../testkit/operation-calls.js';
import { chainOnDisk, checkImage, disksOf, headOf, layerFilesOf } from '../testkit/outside-probes.js';
import { plainId } from '../testkit/plain-id.js';
import { findSnapshot, type SnapshotAnswer, takeSnapshot, treeOf } from '../testkit/snapshot-calls.js';
import { deleteSnapshots } from '../testkit/tree-calls.js';
import { becomesSmallest, expectSame, treeContent } from '../testkit/tree-content.js';
import { waitUntil } from '../testkit/wait-until.js';
import { type KnownMachine, World } from '../testkit/world.js';

const MIB = 1024 * 1024;

let world: World;
let running: KnownMachine | undefined;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
});
afterAll(async () => {
  await world?.stop();
});

afterEach(async () => {
  if ((await running?.machine.state()) === 'running') await running?.machine.cutPower();
});

function owner() {
  return world.as(world.acme.ownerToken);
}

/** A guest that runs until its test is over: two cores carry no five of them. */
async function guest(name: string): Promise<KnownMachine> {
  running = await world.addMachine({ name });
  return running;
}

/** Lets the guest write so many MiB into a file on its first disk, and waits until the disk has them. */
async function fill(known: KnownMachine, file: string, mib: number): Promise<void> {
  const script = `dd if=/dev/urandom of=/a/${file} bs=65536 count=${mib * 16} 2>/dev/null && sync`;
  const { exitCode, stderr } = await guestExec(known.machine, ['sh', '-c', script], 120_000);
  if (exitCode !== 0) throw new Error(`the guest could not write ${file}: ${stderr}`);
}

/** A snapshot of the first disk alone, after so many MiB were written to it. */
async function fillAndTake(known: KnownMachine, name: string, mib: number): Promise<SnapshotAnswer> {
  await fill(known, name, mib);
  return takeSnapshot(owner(), known, { name, volumeIds: [known.volumes['vda'] ?? ''] });
}

async function pathOf(snapshot: { readonly id: string }): Promise<string> {
  const disk = (await findSnapshot(world.admin, snapshot.id))?.disks.find((one) => one.target === 'vda');
  if (disk === undefined) throw new Error(`snapshot ${snapshot.id} has no vda`);
  return world.layerPath(disk);
}

async function currentId(known: KnownMachine): Promise<string | undefined> {
  return (await treeOf(owner(), known)).snapshotTree.current?.id;
}

/** Deletes; the guest is the same one before and after, and goes on writing; every survivor reads the same and is undamaged. */
async function removeLive(
  known: KnownMachine,
  gone: readonly { readonly id: string }[],
): Promise<{ plan: PlanAnswer; operationId: string }> {
  const before = await treeContent(world, known);
  const { boot } = await marksOf(known.machine);
  const ticks = await known.machine.listen();
  const [first] = await ticks.next(1, 60_000);
  const snapshotIds = gone.map(({ id }) => id);
  const plan = await planMeasuredDelete(world, known, { snapshotIds });
  const { id: operationId } = await deleteSnapshots(owner(), known, { snapshotIds });
  const more = await ticks.next(3, 60_000);
  ticks.close();
  expect(more.at(-1)?.n).toBeGreaterThan(first?.n ?? 0);
  expect(ticks.ticks.filter((tick) => tick.hasError || tick.bootId !== boot)).toEqual([]);
  expectSame(before, await treeContent(world, known), snapshotIds);
  expect(await disksOf(known.machine, 'live')).toEqual(await disksOf(known.machine, 'persistent'));
  for (const id of before.keys()) if (!snapshotIds.includes(id)) await checkImage(await pathOf({ id }));
  await expectNoOrphans(world);
  return { plan, operationId };
}

function kindsOf(plan: PlanAnswer): readonly string[] {
  return plan.steps.map(({ kind }) => kind).filter((kind) => /^(COMMIT|PULL|CREATE|FREEZE|DEFER)/.test(kind));
}

describe('GA-5: one disk of a running guest', () => {
  it('GA-5, VM-11: inside its chain: what is above is committed into the lower file, which stays', async () => {
    const known = await guest('inside');
    const s1 = await fillAndTake(known, 's1', 1);
    const s2 = await fillAndTake(known, 's2', 8);
    const s3 = await fillAndTake(known, 's3', 2);
    const lower = await pathOf(s2);
    const { plan, operationId } = await removeLive(known, [s2]);
    expect(kindsOf(plan)).toEqual(['COMMIT_LAYER']);
    expect(await bytesTold(world, operationId)).toBeGreaterThan(2 * MIB);
    expect(await pathOf(s3)).toBe(lower);
    expect((await findSnapshot(owner(), s3.id))?.parent?.id).toBe(s1.id);
    expect(await currentId(known)).toBe(s3.id);
  });

  it('GA-5, VM-10: the current one, with little in it: pulled into the head', async () => {
    const known = await guest('pulled');
    const s1 = await fillAndTake(known, 's1', 6);
    const s2 = await fillAndTake(known, 's2', 1);
    await fill(known, 'later', 8);
    const head = (await disksOf(known.machine, 'live'))['vda'];
    const { plan } = await removeLive(known, [s2]);
    expect(kindsOf(plan)).toEqual(['PULL_LAYER']);
    expect((await disksOf(known.machine, 'live'))['vda']).toBe(head);
    expect(await chainOnDisk(head ?? '')).toHaveLength(2);
    expect(await currentId(known)).toBe(s1.id);
  });

  it('GA-5, VM-10: the current one, with much in it: put at rest under a new head, and committed there; merged when it stops', async () => {
    const known = await guest('rested');
    const s1 = await fillAndTake(known, 's1', 1);
    const s2 = await fillAndTake(known, 's2', 12);
    await fill(known, 'later', 1);
    const head = (await disksOf(known.machine, 'live'))['vda'];
    const { plan } = await removeLive(known, [s2]);
    expect(kindsOf(plan)).toEqual(['CREATE_LAYER', 'FREEZE_LAYER', 'COMMIT_LAYER']);
    const now = (await disksOf(known.machine, 'live'))['vda'];
    expect(now).not.toBe(head);
    expect(await chainOnDisk(now ?? '')).toHaveLength(3);
    expect(await currentId(known)).toBe(s1.id);
    await stopsAndConsolidates(known);
    expect(await chainOnDisk(await headOf(known.machine, 'vda'))).toHaveLength(2);
  });

  it('GA-5: a merge that is several times dearer while the guest runs waits until it stops', async () => {
    const known = await guest('deferred');
    await fillAndTake(known, 's1', 1);
    const s2 = await fillAndTake(known, 's2', 1);
    await fillAndTake(known, 's3', 16);
    const files = await layerFilesOf(world.poolDir, known.machine.guest.disks[0]?.volumeUuid ?? '');
    const { plan, operationId } = await removeLive(known, [s2]);
    expect(kindsOf(plan)).toEqual(['DEFER_MERGE']);
    expect(await bytesTold(world, operationId)).toBe(0);
    expect(await layerFilesOf(world.poolDir, known.machine.guest.disks[0]?.volumeUuid ?? '')).toEqual(files);
    await stopsAndConsolidates(known);
  });
});

describe('both disks of a running guest', () => {
  it('VM-11, VM-12: the root, then all of a chain at once; when the guest has stopped, one file for each disk is left', async () => {
    const known = await guest('all');
    const chain: SnapshotAnswer[] = [];
    for (const name of ['s1', 's2', 's3', 's4']) {
      await fill(known, 'same', 2);
      chain.push(await takeSnapshot(owner(), known, { name }));
    }
    await removeLive(known, chain.slice(0, 1));
    expect(await currentId(known)).toBe(chain[3]?.id);
    await removeLive(known, chain.slice(1));
    expect(await currentId(known)).toBeUndefined();
    await stopsAndConsolidates(known);
    for (const { volumeUuid } of known.machine.guest.disks) expect(await layerFilesOf(world.poolDir, volumeUuid)).toHaveLength(1);
    await known.machine.start();
  });
});

it('and after all of it nothing is left running or claimed', async () => {
  await waitUntil('the system to have nothing to do', async () => {
    const rows = await world.database.sql(`SELECT 1 FROM operation WHERE state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')`);
    return rows.length === 0;
  });
  await expectOneOperationAtATime(world);
});

/** Cuts the guest's power: the system merges what is left by itself, and everything reads as before. */
async function stopsAndConsolidates(known: KnownMachine): Promise<void> {
  const before = await treeContent(world, known);
  await known.machine.cutPower();
  await machineBecomes(world.admin, known, (answer) => answer.state === 'STOPPED');
  await becomesSmallest(world, known);
  expectSame(before, await treeContent(world, known), []);
  const done = await world.database.sql(
    `SELECT state FROM operation WHERE kind = 'consolidateVirtualMachine' AND virtual_machine_id::text = $1`,
    [plainId(known.id)],
  );
  expect(done.map(({ state }) => state)).toContain('SUCCEEDED');
  await expectNoOrphans(world);
}
