/** Machines go, with all that is theirs and nothing that is not. */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { runProgram } from '@coppice/lab';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exchangeImageByHand, newDiskImage } from '../testkit/by-hand.js';
import { contentHash, writeNumber } from '../testkit/content.js';
import { driftedBy, machineBecomes } from '../testkit/machine-calls.js';
import { expectNoOrphans, expectOneOperationAtATime } from '../testkit/on-disk.js';
import { askFor, doTo } from '../testkit/operation-calls.js';
import { headOf } from '../testkit/outside-probes.js';
import { findSnapshot, snapshotIn, takeSnapshot } from '../testkit/snapshot-calls.js';
import { waitUntil } from '../testkit/wait-until.js';
import { type KnownMachine, World } from '../testkit/world.js';

let world: World;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
});
afterAll(async () => {
  await world?.stop();
});

const owner = () => world.as(world.acme.ownerToken);

/** Asks for it, and waits until the record and the host agree that it is gone. */
async function destroy(known: KnownMachine): Promise<void> {
  const answer = await askFor(owner(), 'destroyVirtualMachine', { virtualMachineId: known.id });
  expect(answer.errors).toEqual([]);
  await waitUntil('the operation to end', async () => {
    const rows = await world.database.sql(
      `SELECT 1 FROM operation WHERE kind = 'destroyVirtualMachine' AND state IN ('RUNNING', 'CANCELLING')`,
    );
    return rows.length === 0;
  });
  const failed = await world.database.sql(`SELECT error FROM operation WHERE kind = 'destroyVirtualMachine' AND state <> 'SUCCEEDED'`);
  expect(failed).toEqual([]);
}

async function filesOf(known: KnownMachine): Promise<readonly string[]> {
  const uuids = known.machine.guest.disks.map(({ volumeUuid }) => volumeUuid);
  return (await readdir(world.poolDir)).filter((name) => uuids.some((uuid) => name.includes(uuid)));
}

it('VM-18: a running machine with branches and a memory image goes: no definition, no file, no row of it in any list', async () => {
  const known = await world.addMachine({ name: 'doomed' });
  const s1 = await takeSnapshot(owner(), known, { name: 's1' });
  await takeSnapshot(owner(), known, { name: 's2', kind: 'DISK_AND_MEMORY' });
  await doTo(owner(), 'revertToVmSnapshot', { snapshotId: s1.id, start: true });
  await takeSnapshot(owner(), known, { name: 's3' });
  expect((await filesOf(known)).length).toBeGreaterThan(6);
  await destroy(known);
  expect(await known.machine.virsh('list', '--all', '--name')).not.toContain('doomed');
  expect(await filesOf(known)).toEqual([]);
  expect((await readdir(world.poolDir)).filter((name) => name.startsWith('snapshot-'))).toEqual([]);
  expect(await findSnapshot(owner(), s1.id)).toMatchObject({ state: 'REMOVED' });
  const { volumes, virtualMachines } = await owner().ask<{ volumes: { nodes: object[] }; virtualMachines: { nodes: object[] } }>(
    'query Lists { volumes { nodes { id } } virtualMachines { nodes { id } } }',
  );
  expect([volumes.nodes, virtualMachines.nodes]).toEqual([[], []]);
  await expectNoOrphans(world);
});

it('VM-18: layers that a clone reads stay, and the clone reads them', async () => {
  const known = await world.addMachine({ name: 'origin', power: 'off' });
  await writeNumber(known.machine, 'vda', 1);
  const s1 = await takeSnapshot(owner(), known, { name: 's1' });
  await writeNumber(known.machine, 'vda', 2);
  const clone = await world.addMachine({ name: 'clone', power: 'off' });
  const overlay = await cloneOnto(
    clone,
    (await snapshotIn(world.admin, s1.id, 'READY')).disks.find(({ target }) => target === 'vda')?.layerPath ?? '',
  );
  const before = await contentHash(overlay);
  await destroy(known);
  expect(await filesOf(known)).toEqual([`volume-${known.machine.guest.disks[0]?.volumeUuid ?? ''}.0.qcow2`]);
  expect(await contentHash(overlay)).toBe(before);
  expect(await headOf(clone.machine, 'vda')).toBe(overlay);
  await takeSnapshot(owner(), clone, { name: 'works' });
  await expectOneOperationAtATime(world);
});

/** A linked clone as an operator makes one: an overlay over a frozen layer, adopted as the other machine's vda. */
async function cloneOnto(clone: KnownMachine, layerName: string): Promise<string> {
  const { path } = await newDiskImage(world.poolDir, 1);
  const layer = join(world.poolDir, basename(layerName));
  await runProgram('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', basename(layer), path], { deadlineMs: 60_000 });
  await exchangeImageByHand(clone.machine, 'vda', path);
  await driftedBy(owner(), clone, ['CHAIN_DIFFERS']);
  await doTo(owner(), 'reconcileVirtualMachine', { virtualMachineId: clone.id, action: 'ADOPT' });
  await machineBecomes(owner(), clone, ({ drift, operation }) => drift === null && operation === null);
  return path;
}
