/** Reverting machines that are off, seen from outside: what their disks show, what their snapshots read, which files are there. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numbersNow, type View, viewOf, writeNumber } from '../testkit/content.js';
import { expectNoOrphans, expectOneOperationAtATime } from '../testkit/on-disk.js';
import { headOf, layerFilesOf } from '../testkit/outside-probes.js';
import { findSnapshot, type SnapshotAnswer, snapshotIn, takeSnapshot, treeOf } from '../testkit/snapshot-calls.js';
import { askToRevert, planRevert, revertTo } from '../testkit/tree-calls.js';
import { waitUntil } from '../testkit/wait-until.js';
import { type KnownMachine, World } from '../testkit/world.js';

let world: World;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
});
afterAll(async () => {
  await world?.stop();
});

function tenant() {
  return world.as(world.acme.operatorToken);
}

async function off(name: string): Promise<KnownMachine> {
  return world.addMachine({ name, power: 'off' });
}

/** Writes pattern `n` into both disks, then takes a snapshot of them, named after it. */
async function writeAndTake(known: KnownMachine, n: number): Promise<SnapshotAnswer> {
  for (const target of ['vda', 'vdb']) await writeNumber(known.machine, target, n);
  return takeSnapshot(tenant(), known, { name: `s${n}` });
}

/** What a reader of the snapshot's layer of that disk finds. */
async function read(snapshot: Pick<SnapshotAnswer, 'id'>, target = 'vda'): Promise<View> {
  const disk = (await snapshotIn(world.admin, snapshot.id, 'READY')).disks.find((one) => one.target === target);
  if (disk === undefined) throw new Error(`the snapshot has no ${target}`);
  return viewOf(world.layerPath(disk));
}

async function now(known: KnownMachine): Promise<readonly (readonly number[])[]> {
  return Promise.all(['vda', 'vdb'].map((target) => numbersNow(known.machine, target)));
}

async function currentName(known: KnownMachine): Promise<string | undefined> {
  const { snapshotTree } = await treeOf(tenant(), known);
  return snapshotTree.nodes.find((node) => node.id === snapshotTree.current?.id)?.name;
}

describe('RV-1, RV-2: base ← s1 ← s2', () => {
  let known: KnownMachine;
  let s1: SnapshotAnswer;
  let s2: SnapshotAnswer;
  let safety: { id: string } | null;

  beforeAll(async () => {
    known = await off('branching');
    s1 = await writeAndTake(known, 1);
    s2 = await writeAndTake(known, 2);
    for (const target of ['vda', 'vdb']) await writeNumber(known.machine, target, 3);
  });

  it('RV-1: reverted to s1: both snapshots keep, the abandoned head is gone', async () => {
    const before = [await read(s1), await read(s2)];
    expect(before.map((view) => view.numbers)).toEqual([[1], [1, 2]]);
    const plan = await planRevert(tenant(), s1.id);
    expect(plan).toMatchObject({ losesCurrentState: true, stopsMachine: false, bytesToMove: 0 });
    expect(await revertTo(tenant(), known, { snapshot: s1, planHash: plan.hash })).toBeNull();
    expect(await now(known)).toEqual([[1], [1]]);
    expect([await read(s1), await read(s2)]).toEqual(before);
    expect(await currentName(known)).toBe('s1');
    expect(await known.machine.state()).toBe('shut off');
    const names = await layerFilesOf(world.poolDir, known.machine.guest.disks[0]?.volumeUuid ?? '');
    expect(names.map((name) => Number(/\.(\d+)\.qcow2$/.exec(name)?.[1]))).toEqual([0, 1, 3]);
    await expectNoOrphans(world);
  });

  it('RV-2: reverted to s2 with snapshotFirst: the abandoned state is a node, a child of s1', async () => {
    for (const target of ['vda', 'vdb']) await writeNumber(known.machine, target, 4);
    safety = await revertTo(tenant(), known, { snapshot: s2, snapshotFirst: true });
    expect(await now(known)).toEqual([
      [1, 2],
      [1, 2],
    ]);
    if (safety === null) throw new Error('no safety snapshot was made');
    expect(await findSnapshot(tenant(), safety.id)).toMatchObject({
      state: 'READY',
      kind: 'DISK',
      consistency: 'OFFLINE',
      parent: { id: s1.id },
    });
    expect((await read(safety)).numbers).toEqual([1, 4]);
    expect(await currentName(known)).toBe('s2');
    await expectNoOrphans(world);
  });

  it('VM-6, VM-7: to each node and back, in any order, the machine shows what that node holds', async () => {
    if (safety === null) throw new Error('no safety snapshot was made');
    const wanted = [
      [safety, [1, 4]],
      [s1, [1]],
      [s2, [1, 2]],
      [s2, [1, 2]],
      [safety, [1, 4]],
    ] as const;
    const before = await Promise.all([s1, s2, safety].map((snapshot) => read(snapshot, 'vdb')));
    for (const [index, [snapshot, patterns]] of wanted.entries()) {
      await revertTo(tenant(), known, { snapshot });
      expect(await now(known)).toEqual([patterns, patterns]);
      for (const target of ['vda', 'vdb']) await writeNumber(known.machine, target, 20 + index);
      expect(await now(known)).toEqual([
        [...patterns, 20 + index],
        [...patterns, 20 + index],
      ]);
    }
    expect(await Promise.all([s1, s2, safety].map((snapshot) => read(snapshot, 'vdb')))).toEqual(before);
    await expectNoOrphans(world);
  });
});

describe('GA-2, RV-14: snapshots of subsets, interleaved', () => {
  it('a revert takes back its own disks only, and the snapshots of both never change', async () => {
    const known = await off('subsets');
    const take = async (n: number, ...targets: string[]) => {
      for (const target of ['vda', 'vdb']) await writeNumber(known.machine, target, n);
      return takeSnapshot(tenant(), known, { name: `s${n}`, volumeIds: targets.map((target) => known.volumes[target] ?? '') });
    };
    const a = await take(1, 'vda');
    const b = await take(2, 'vdb');
    const both = await take(3, 'vda', 'vdb');
    const later = await take(4, 'vda');
    const views = async () => [await read(a), await read(b, 'vdb'), await read(both), await read(both, 'vdb'), await read(later)];
    const before = await views();
    const kept = await headOf(known.machine, 'vdb');
    await revertTo(tenant(), known, { snapshot: a });
    expect(await now(known)).toEqual([[1], [1, 2, 3, 4]]);
    expect(await headOf(known.machine, 'vdb')).toBe(kept);
    await revertTo(tenant(), known, { snapshot: b, snapshotFirst: true });
    expect(await now(known)).toEqual([[1], [1, 2]]);
    await revertTo(tenant(), known, { snapshot: later });
    expect(await now(known)).toEqual([
      [1, 2, 3, 4],
      [1, 2],
    ]);
    await revertTo(tenant(), known, { snapshot: both });
    expect(await now(known)).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    expect(await views()).toEqual(before);
    await expectNoOrphans(world);
  });
});

describe('what happened in between', () => {
  it('RV-4: other processors: the definition is the snapshot’s again', async () => {
    const known = await off('reshaped');
    const s1 = await writeAndTake(known, 1);
    const vcpus = () => known.machine.virsh('vcpucount', known.machine.name, '--maximum', '--config');
    const then = await vcpus();
    await known.machine.virsh('setvcpus', known.machine.name, '3', '--maximum', '--config');
    await known.machine.virsh('setvcpus', known.machine.name, '3', '--config');
    await revertTo(tenant(), known, { snapshot: s1 });
    expect(await vcpus()).toBe(then);
    expect((await read(s1)).numbers).toEqual([1]);
  });

  it('RV-9: an internal snapshot on the machine: MIXED_SNAPSHOT_KINDS, in actions too, and nothing is changed', async () => {
    const known = await off('mixed');
    const s1 = await writeAndTake(known, 1);
    await known.machine.virsh('snapshot-create-as', known.machine.name, 'inside');
    const action = await waitUntil('the drift to be shown', async () => {
      const seen = await revertAction(s1.id);
      return seen.enabled ? undefined : seen;
    });
    expect(action).toMatchObject({ code: 'MIXED_SNAPSHOT_KINDS', reason: expect.stringContaining('inside its images') });
    expect((await askToRevert(tenant(), s1.id)).errors.map((error) => error.code)).toEqual(['MIXED_SNAPSHOT_KINDS']);
  });

  it('a caller who may not is told so, and another project’s snapshot is not there', async () => {
    const known = await off('not-yours');
    const s1 = await writeAndTake(known, 1);
    expect((await askToRevert(world.as(world.acme.viewerToken), s1.id)).errors.map((error) => error.code)).toEqual(['FORBIDDEN']);
    expect((await askToRevert(world.as(world.globex.ownerToken), s1.id)).errors.map((error) => error.code)).toEqual(['NOT_FOUND']);
    await expect(planRevert(world.as(world.globex.ownerToken), s1.id)).rejects.toThrow('NOT_FOUND');
    expect(await revertAction(s1.id)).toMatchObject({ enabled: true, code: null, reason: null });
  });
});

it('and after all of it nothing is left running or claimed', async () => {
  await expectOneOperationAtATime(world);
});

async function revertAction(id: string) {
  interface Answer {
    readonly node: { readonly actions: readonly { action: string; enabled: boolean; code: string | null; reason: string | null }[] };
  }
  const document = 'query Actions($id: ID!) { node(id: $id) { ... on VmSnapshot { actions { action enabled code reason } } } }';
  const { node } = await tenant().ask<Answer>(document, { id });
  const found = node.actions.find((one) => one.action === 'REVERT_TO_VM_SNAPSHOT');
  if (found === undefined) throw new Error('nothing is said of reverting');
  return found;
}
