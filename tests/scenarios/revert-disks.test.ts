/** RV-3: disks that were exchanged, attached or detached between snapshots, by hand and then adopted; and reverts over that. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachByHand, detachByHand, exchangeImageByHand, newDiskImage } from '../testkit/by-hand.js';
import { numbersNow, viewOf, writeNumber } from '../testkit/content.js';
import { driftedBy, machineBecomes } from '../testkit/machine-calls.js';
import { expectOneOperationAtATime } from '../testkit/on-disk.js';
import { doTo } from '../testkit/operation-calls.js';
import { disksOf, headOf, sha256Of } from '../testkit/outside-probes.js';
import { type SnapshotAnswer, snapshotIn, takeSnapshot } from '../testkit/snapshot-calls.js';
import { planRevert, revertTo } from '../testkit/tree-calls.js';
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

/** Waits until what was done by hand is seen, and takes it over. */
/** Once all that was done by hand is seen: what is adopted is what was seen. */
async function adopt(known: KnownMachine, findings: readonly string[]): Promise<void> {
  await driftedBy(owner(), known, findings);
  await doTo(owner(), 'reconcileVirtualMachine', { virtualMachineId: known.id, action: 'ADOPT' });
  await machineBecomes(owner(), known, ({ drift, operation }) => drift === null && operation === null);
}

/** What a reader of each layer of the snapshot finds, in order of target. */
async function read(snapshot: SnapshotAnswer) {
  const { disks } = await snapshotIn(world.admin, snapshot.id, 'READY');
  return Promise.all(disks.map((disk) => viewOf(world.layerPath(disk))));
}

async function volumeNow(id: string) {
  const document = 'query Volume($id: ID!) { node(id: $id) { ... on Volume { target virtualMachine { id } } } }';
  return (await owner().ask<{ node: { target: string | null; virtualMachine: { id: string } | null } }>(document, { id })).node;
}

describe('RV-3', () => {
  it('a disk that was exchanged is kept untouched, and the one of the snapshot comes back in its place', async () => {
    const known = await world.addMachine({ name: 'exchanged', power: 'off' });
    for (const target of ['vda', 'vdb']) await writeNumber(known.machine, target, 1);
    const s1 = await takeSnapshot(owner(), known, { name: 's1' });
    const before = await read(s1);
    const other = await newDiskImage(world.poolDir, 64 * MIB);
    await exchangeImageByHand(known.machine, 'vdb', other.path);
    await writeNumber(known.machine, 'vdb', 2);
    await adopt(known, ['CHAIN_DIFFERS']);
    const exchanged = await sha256Of(other.path);
    const plan = await planRevert(owner(), s1.id);
    expect(plan.steps.map((step) => step.kind)).toContain('DETACH_VOLUME');

    await revertTo(owner(), known, { snapshot: s1, planHash: plan.hash });

    expect(await sha256Of(other.path)).toBe(exchanged);
    expect(await numbersNow(known.machine, 'vda')).toEqual([1]);
    expect(await numbersNow(known.machine, 'vdb')).toEqual([1]);
    expect(await headOf(known.machine, 'vdb')).toContain(known.machine.guest.disks[1]?.volumeUuid);
    expect(await read(s1)).toEqual(before);
    const { volumes, drift } = await machineBecomes(owner(), known, ({ operation }) => operation === null);
    expect(drift).toBeNull();
    expect(volumes.map((volume) => volume.target)).toEqual(['vda', 'vdb']);
    const [left] = await world.database.sql(
      `SELECT v.virtual_machine_id, v.target, v.head_layer_id IS NOT NULL AS has_head FROM volume v JOIN layer l ON l.id = v.head_layer_id WHERE l.file_name LIKE $1`,
      [`%${other.volumeUuid}%`],
    );
    expect(left).toEqual({ virtual_machine_id: null, target: null, has_head: true });
  });

  it('a disk that was attached later is taken off and kept; one that was detached comes back; and both again the other way round', async () => {
    const known = await world.addMachine({ name: 'attached', power: 'off' });
    for (const target of ['vda', 'vdb']) await writeNumber(known.machine, target, 1);
    const s1 = await takeSnapshot(owner(), known, { name: 's1' });
    const added = await newDiskImage(world.poolDir, 64 * MIB);
    await detachByHand(known.machine, { target: 'vdb' });
    await attachByHand(known.machine, { path: added.path, target: 'vdc' });
    await writeNumber(known.machine, 'vdc', 3);
    await adopt(known, ['DISK_MISSING', 'DISK_UNKNOWN']);
    expect(await volumeNow(known.volumes['vdb'] ?? '')).toEqual({ target: null, virtualMachine: null });
    const s2 = await takeSnapshot(owner(), known, { name: 's2' });
    expect(s2.disks.map((disk) => disk.target)).toEqual(['vda', 'vdc']);
    const before = [await read(s1), await read(s2)];

    await revertTo(owner(), known, { snapshot: s1, snapshotFirst: true });
    expect(Object.keys(await disksOf(known.machine, 'persistent'))).toEqual(['vda', 'vdb']);
    expect(await numbersNow(known.machine, 'vdb')).toEqual([1]);
    expect(await volumeNow(known.volumes['vdb'] ?? '')).toMatchObject({ target: 'vdb', virtualMachine: { id: known.id } });
    await writeNumber(known.machine, 'vdb', 4);

    await revertTo(owner(), known, { snapshot: s2 });
    expect(Object.keys(await disksOf(known.machine, 'persistent'))).toEqual(['vda', 'vdc']);
    expect(await numbersNow(known.machine, 'vdc')).toEqual([3]);
    expect(await volumeNow(known.volumes['vdb'] ?? '')).toEqual({ target: null, virtualMachine: null });

    await revertTo(owner(), known, { snapshot: s1 });
    expect(await numbersNow(known.machine, 'vdb')).toEqual([1]);
    expect([await read(s1), await read(s2)]).toEqual(before);
    await machineBecomes(owner(), known, ({ drift, operation }) => drift === null && operation === null);
  });
});

it('and after all of it nothing is left running or claimed', async () => {
  await expectOneOperationAtATime(world);
});
