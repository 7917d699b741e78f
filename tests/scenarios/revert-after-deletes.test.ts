/** RV-10, the story that broke CloudStack once: after reverts and deletes on the way, the last snapshot still holds every byte of its own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numbersNow, type View, viewOf, writeNumber } from '../testkit/content.js';
import { mark, marksOf } from '../testkit/marks.js';
import { expectNoOrphans, expectOneOperationAtATime } from '../testkit/on-disk.js';
import { succeeded } from '../testkit/operation-calls.js';
import { machineIsIdle, type SnapshotAnswer, snapshotIn, takeSnapshot, treeOf } from '../testkit/snapshot-calls.js';
import { askToDelete, revertTo } from '../testkit/tree-calls.js';
import { type KnownMachine, World } from '../testkit/world.js';

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

async function drop(known: KnownMachine, snapshot: SnapshotAnswer): Promise<void> {
  await succeeded(owner(), await askToDelete(owner(), known, { snapshotIds: [snapshot.id] }));
  await machineIsIdle(owner(), known);
}

/** What a reader of each layer of the snapshot finds. */
async function read(snapshot: SnapshotAnswer): Promise<View[]> {
  const { disks } = await snapshotIn(world.admin, snapshot.id, 'READY');
  return Promise.all(disks.map((disk) => viewOf(world.layerPath(disk))));
}

async function names(known: KnownMachine) {
  const { snapshotTree } = await treeOf(owner(), known);
  const nameOf = (id: string | undefined) => snapshotTree.nodes.find((node) => node.id === id)?.name;
  return { current: nameOf(snapshotTree.current?.id), tree: snapshotTree.nodes.map((node) => [node.name, nameOf(node.parent?.id)]) };
}

describe('RV-10: s1, s2, s3; revert s2; s4; delete s2; delete s1; revert s3', () => {
  it('of a machine that is off: s3’s content, and s4’s, to the byte', async () => {
    const known = await world.addMachine({ name: 'story-off', power: 'off' });
    const take = async (n: number) => {
      for (const target of ['vda', 'vdb']) await writeNumber(known.machine, target, n);
      return takeSnapshot(owner(), known, { name: `s${n}` });
    };
    const [s1, s2, s3] = [await take(1), await take(2), await take(3)];
    await revertTo(owner(), known, { snapshot: s2 });
    const s4 = await take(4);
    const before = [await read(s3), await read(s4)];
    await drop(known, s2);
    expect([await read(s3), await read(s4)]).toEqual(before);
    await drop(known, s1);
    expect([await read(s3), await read(s4)]).toEqual(before);
    expect(await names(known)).toEqual({
      current: 's4',
      tree: [
        ['s3', undefined],
        ['s4', undefined],
      ],
    });
    await revertTo(owner(), known, { snapshot: s3 });
    for (const target of ['vda', 'vdb']) expect(await numbersNow(known.machine, target)).toEqual([1, 2, 3]);
    await revertTo(owner(), known, { snapshot: s4 });
    for (const target of ['vda', 'vdb']) expect(await numbersNow(known.machine, target)).toEqual([1, 2, 4]);
    expect([await read(s3), await read(s4)]).toEqual(before);
    await expectNoOrphans(world);
  });

  it('of a machine that runs, with memory: every file of s3 is right, and the guest goes on there', async () => {
    const known = await world.addMachine({ name: 'story-on' });
    const take = async (n: number) => {
      await mark(known.machine, `s${n}`);
      return takeSnapshot(owner(), known, { name: `s${n}`, kind: 'DISK_AND_MEMORY' });
    };
    const [s1, s2, s3] = [await take(1), await take(2), await take(3)];
    await revertTo(owner(), known, { snapshot: s2 });
    const s4 = await take(4);
    const before = [await read(s3), await read(s4)];
    await drop(known, s2);
    await drop(known, s1);
    expect([await read(s3), await read(s4)]).toEqual(before);
    await known.machine.writes();
    await revertTo(owner(), known, { snapshot: s3 });
    expect(await marksOf(known.machine)).toMatchObject({ memory: 's3', vda: 's3', vdb: 's3' });
    await known.machine.writes();
    await revertTo(owner(), known, { snapshot: s4 });
    expect(await marksOf(known.machine)).toMatchObject({ memory: 's4', vda: 's4', vdb: 's4' });
    expect([await read(s3), await read(s4)]).toEqual(before);
    await expectNoOrphans(world);
  });
});

it('and after all of it nothing is left running or claimed', async () => {
  await expectOneOperationAtATime(world);
});
