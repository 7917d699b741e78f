/** What operators do behind our back with virsh: seen, refused meanwhile, adopted or repaired, and nothing is lost. */
import { join } from 'node:path';
import { runProgram } from '@coppice/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachByHand, detachByHand, exchangeImageByHand, newDiskImage } from '../testkit/by-hand.js';
import { contentHash, numbersNow, writeNumber } from '../testkit/content.js';
import { driftedBy, machineBecomes, machineSeen } from '../testkit/machine-calls.js';
import { doTo, refusalOf } from '../testkit/operation-calls.js';
import { disksOf, sha256Of } from '../testkit/outside-probes.js';
import { askForSnapshot, type SnapshotAnswer, snapshotIn, takeSnapshot } from '../testkit/snapshot-calls.js';
import { type KnownMachine, World } from '../testkit/world.js';

let world: World;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
});
afterAll(async () => {
  await world?.stop();
});

const owner = () => world.as(world.acme.ownerToken);
const MIB = 1024 * 1024;

async function contentOf(snapshot: SnapshotAnswer): Promise<readonly string[]> {
  const { disks } = await snapshotIn(world.admin, snapshot.id, 'READY');
  return Promise.all(disks.map((disk) => contentHash(world.layerPath(disk))));
}

async function adopt(known: KnownMachine): Promise<void> {
  await doTo(owner(), 'reconcileVirtualMachine', { virtualMachineId: known.id, action: 'ADOPT' });
  await machineBecomes(owner(), known, ({ drift, operation }) => drift === null && operation === null);
}

describe('VM-22: snapshots of virsh', () => {
  it('VM-22, FL-drift: taken while it runs: drift, then adopted; nothing is lost and the tree works on', async () => {
    const known = await world.addMachine({ name: 'by-hand' });
    const s1 = await takeSnapshot(owner(), known, { name: 's1', quiesce: true });
    const before = await contentOf(s1);
    await known.machine.virsh('snapshot-create-as', known.machine.name, 'hand', '--disk-only', '--atomic');
    const seen = await driftedBy(owner(), known, ['LIBVIRT_SNAPSHOTS', 'CHAIN_DIFFERS', 'CHAIN_DIFFERS']);
    expect(seen.drift?.findings.every(({ repairable, message }) => repairable && /adopting/i.test(message))).toBe(true);
    expect((await askForSnapshot(owner(), known, {})).errors[0]?.code).toBe('MACHINE_DRIFTED');
    expect(seen.actions.find(({ action }) => action === 'RECONCILE')).toMatchObject({ enabled: true });
    await known.machine.writes();

    await adopt(known);

    expect(await known.machine.virsh('snapshot-list', known.machine.name, '--name')).not.toContain('hand');
    expect(await contentOf(s1)).toEqual(before);
    await known.machine.writes();
    const s2 = await takeSnapshot(owner(), known, { name: 's2', quiesce: true });
    expect(s2.consistency).toBe('FILESYSTEM');
    await doTo(owner(), 'revertToVmSnapshot', { snapshotId: s1.id, start: true });
    await known.machine.writes();
    expect(await contentOf(s1)).toEqual(before);
    await doTo(owner(), 'revertToVmSnapshot', { snapshotId: s2.id });
    expect(await machineSeen(owner(), known)).toMatchObject({ state: 'STOPPED', drift: null });
  });

  it('VM-22, FL-drift: taken while it is off, of one disk', async () => {
    const known = await world.addMachine({ name: 'by-hand-off', power: 'off' });
    await writeNumber(known.machine, 'vda', 1);
    await known.machine.virsh(
      'snapshot-create-as',
      known.machine.name,
      'hand',
      '--disk-only',
      '--diskspec',
      'vda',
      '--diskspec',
      'vdb,snapshot=no',
    );
    await writeNumber(known.machine, 'vda', 2);
    await driftedBy(owner(), known, ['LIBVIRT_SNAPSHOTS', 'CHAIN_DIFFERS']);
    await adopt(known);
    expect(await numbersNow(known.machine, 'vda')).toEqual([1, 2]);
    const s1 = await takeSnapshot(owner(), known, { name: 's1' });
    await writeNumber(known.machine, 'vda', 3);
    await doTo(owner(), 'revertToVmSnapshot', { snapshotId: s1.id });
    expect(await numbersNow(known.machine, 'vda')).toEqual([1, 2]);
  });
});

describe('definitions that are not as recorded', () => {
  it('FL-drift: a stopped machine that was put back on a frozen layer is not adopted; an ADMIN repairs its definition', async () => {
    const known = await world.addMachine({ name: 'repaired', power: 'off' });
    await writeNumber(known.machine, 'vda', 1);
    await takeSnapshot(owner(), known, { name: 's1' });
    await writeNumber(known.machine, 'vda', 2);
    const recorded = await disksOf(known.machine, 'persistent');
    const base = join(world.poolDir, `volume-${known.machine.guest.disks[0]?.volumeUuid ?? ''}.0.qcow2`);
    await exchangeImageByHand(known.machine, 'vda', base);
    const seen = await driftedBy(owner(), known, ['CHAIN_DIFFERS']);
    expect(seen.drift?.findings[0]?.message).toMatch(/repairing/i);
    const input = { virtualMachineId: known.id };
    expect(await refusalOf(owner(), 'startVirtualMachine', input)).toBe('MACHINE_DRIFTED');
    expect(await refusalOf(owner(), 'reconcileVirtualMachine', { ...input, action: 'ADOPT' })).toBe('MACHINE_DRIFTED');
    expect(await refusalOf(owner(), 'reconcileVirtualMachine', { ...input, action: 'REPAIR' })).toBe('FORBIDDEN');
    await doTo(world.admin, 'reconcileVirtualMachine', { virtualMachineId: known.id, action: 'REPAIR' });
    expect(await disksOf(known.machine, 'persistent')).toEqual(recorded);
    await machineBecomes(owner(), known, ({ drift }) => drift === null);
    expect(await numbersNow(known.machine, 'vda')).toEqual([1, 2]);
  });
});

describe('RV-3: disks that came, went or were exchanged between snapshots', () => {
  it('RV-3: detached by hand, adopted, reverted: the disk is there again with the snapshot’s content', async () => {
    const known = await world.addMachine({ name: 'detached', power: 'off' });
    for (const target of ['vda', 'vdb']) await writeNumber(known.machine, target, 1);
    const s1 = await takeSnapshot(owner(), known, { name: 's1' });
    await detachByHand(known.machine, { target: 'vdb' });
    await driftedBy(owner(), known, ['DISK_MISSING']);
    await adopt(known);
    expect((await machineSeen(owner(), known)).volumes.map(({ target }) => target)).toEqual(['vda']);
    await takeSnapshot(owner(), known, { name: 's2' });
    await writeNumber(known.machine, 'vda', 2);
    await doTo(owner(), 'revertToVmSnapshot', { snapshotId: s1.id });
    expect(await numbersNow(known.machine, 'vda')).toEqual([1]);
    expect(await numbersNow(known.machine, 'vdb')).toEqual([1]);
    await machineBecomes(owner(), known, ({ drift, volumes }) => drift === null && volumes.length === 2);
  });

  it('RV-3: exchanged and attached by hand, adopted, reverted: both strangers are kept, untouched and detached', async () => {
    const known = await world.addMachine({ name: 'exchanged', power: 'off' });
    await writeNumber(known.machine, 'vdb', 1);
    const s1 = await takeSnapshot(owner(), known, { name: 's1' });
    const exchanged = await newDiskImage(world.poolDir, 64 * MIB);
    const attached = await newDiskImage(world.poolDir, 64 * MIB);
    for (const { path } of [exchanged, attached])
      await runProgram('qemu-io', ['-f', 'qcow2', '-c', 'write -P 9 0 100000', path], { deadlineMs: 60_000 });
    await exchangeImageByHand(known.machine, 'vdb', exchanged.path);
    await attachByHand(known.machine, { path: attached.path, target: 'vdc' });
    await driftedBy(owner(), known, ['CHAIN_DIFFERS', 'DISK_UNKNOWN']);
    await adopt(known);
    expect(await refusalOf(owner(), 'detachVolume', { volumeId: (await machineSeen(owner(), known)).volumes[2]?.id ?? '' })).toBe(
      'HAS_VM_SNAPSHOTS',
    );
    const before = [await sha256Of(exchanged.path), await sha256Of(attached.path)];
    await doTo(owner(), 'revertToVmSnapshot', { snapshotId: s1.id });
    expect(await numbersNow(known.machine, 'vdb')).toEqual([1]);
    expect(await disksOf(known.machine, 'persistent')).not.toHaveProperty('vdc');
    expect([await sha256Of(exchanged.path), await sha256Of(attached.path)]).toEqual(before);
    const { volumes } = await owner().ask<{ volumes: { nodes: { target: string | null; virtualMachine: object | null }[] } }>(
      'query Detached($id: ID!) { volumes(first: 100, filter: { projectId: $id, attached: false }) { nodes { target virtualMachine { id } } } }',
      { id: world.acme.id },
    );
    expect(volumes.nodes.length).toBeGreaterThanOrEqual(2);
  });
});
