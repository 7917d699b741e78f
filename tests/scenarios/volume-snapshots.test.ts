/** Full volume snapshots on primary storage: of running and stopped machines, and of what a VM snapshot holds, beside a tree of VM snapshots. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentHash, writePatterns } from '../testkit/content.js';
import { machineSeen } from '../testkit/machine-calls.js';
import { expectChains, expectNoOrphans, expectOneOperationAtATime } from '../testkit/on-disk.js';
import { chainOnDisk, checkImage, disksOf, frozenContent, sha256Of } from '../testkit/outside-probes.js';
import { askForSnapshot, machineIsIdle, snapshotIn, takeSnapshot, treeOf } from '../testkit/snapshot-calls.js';
import { doTo, operationEnded, whenFree } from '../testkit/operation-calls.js';
import { askToDelete, deleteSnapshots, revertTo } from '../testkit/tree-calls.js';
import { expectSame, treeContent } from '../testkit/tree-content.js';
import {
  changeVolumeSnapshot,
  findVolumeSnapshot,
  snapshotsOfVolume,
  takeVolumeSnapshot,
  type VolumeSnapshotAnswer,
  volumeSnapshotIn,
  volumeSnapshotPath,
} from '../testkit/volume-snapshot-calls.js';
import { waitUntil } from '../testkit/wait-until.js';
import { type KnownMachine, World } from '../testkit/world.js';

const MIB = 1024 * 1024;

let world: World;
let running: KnownMachine;
let stopped: KnownMachine;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
  running = await world.addMachine({ name: 'running' });
  stopped = await world.addMachine({ name: 'stopped', power: 'off' });
});
afterAll(async () => {
  await world?.stop();
});

const owner = () => world.as(world.acme.ownerToken);
const operator = () => world.as(world.acme.operatorToken);
const stranger = () => world.as(world.globex.ownerToken);
const vdaOf = (known: KnownMachine) => known.volumes['vda'] ?? '';

/** The file stands alone, is undamaged, has its checksum, and shows what that image shows, byte for byte. */
async function expectCopyOf(snapshot: VolumeSnapshotAnswer, imagePath: string): Promise<void> {
  const path = volumeSnapshotPath(world, snapshot);
  expect(await chainOnDisk(path)).toHaveLength(1);
  await checkImage(path);
  expect(await sha256Of(path)).toBe(snapshot.checksum);
  expect(await contentHash(path)).toBe(await contentHash(imagePath));
}

async function write(known: KnownMachine, byte: number): Promise<void> {
  const head = (await disksOf(known.machine, 'persistent'))['vda'] ?? '';
  await writePatterns(head, [
    { offset: MIB, length: 2 * MIB, byte },
    { offset: byte * MIB, length: MIB, byte },
  ]);
}

describe('VM-15: a volume snapshot while the machine has VM snapshots', () => {
  it('VM-15: of a running guest, quiesced: one clean moment between what was written before and after', async () => {
    await takeSnapshot(operator(), running, { name: 'before' });
    const tree = await treeContent(world, running);
    const taken = await takeVolumeSnapshot(operator(), { volumeId: vdaOf(running), name: 'nightly', quiesce: true });
    expect(taken).toMatchObject({ name: 'nightly', kind: 'FULL', location: 'PRIMARY', consistency: 'FILESYSTEM', locked: false });
    await running.machine.writes();

    const [head, frozen] = await chainOnDisk((await disksOf(running.machine, 'live'))['vda'] ?? '');
    await expectCopyOf(taken, frozen?.path ?? '');
    const content = await frozenContent(volumeSnapshotPath(world, taken));
    expect(content.isClean, content.report).toBe(true);
    expect(content.lastRecord).toBeGreaterThan(0);
    expect((await frozenContent(head?.path ?? '')).lastRecord).toBeGreaterThan(content.lastRecord);
    expectSame(tree, await treeContent(world, running), []);
    await expectChains(world, running, { vda: 3, vdb: 2 });
    await world.waitForNoDrift();
  });

  it('VM-15: again, not quiesced: the layers that were frozen for them become one, and the guest goes on', async () => {
    const taken = await takeVolumeSnapshot(operator(), { volumeId: vdaOf(running) });
    expect(taken).toMatchObject({ consistency: 'CRASH', name: 'snapshot-2' });
    expect((await frozenContent(volumeSnapshotPath(world, taken))).lastRecord).toBeGreaterThan(0);
    expect(await snapshotsOfVolume(operator(), vdaOf(running))).toHaveLength(2);
    const live = (await disksOf(running.machine, 'live'))['vda'] ?? '';
    const chain = await waitUntil('the layers that only they were frozen for to be one', async () => {
      const seen = await chainOnDisk(live);
      return seen.length === 3 ? seen : undefined;
    });
    await machineIsIdle(operator(), running);
    await expectCopyOf(taken, chain[1]?.path ?? '');
    await running.machine.writes();
    await world.waitForNoDrift();
  });

  it('VM-15: of a machine that is off: its head, byte for byte; and a revert leaves it alone', async () => {
    await write(stopped, 3);
    const s1 = await takeSnapshot(operator(), stopped, { name: 's1' });
    await write(stopped, 4);
    const head = (await disksOf(stopped.machine, 'persistent'))['vda'] ?? '';
    const taken = await takeVolumeSnapshot(operator(), { volumeId: vdaOf(stopped) });
    expect(taken).toMatchObject({ consistency: 'OFFLINE', state: 'CREATED_ON_PRIMARY' });
    await expectCopyOf(taken, head);
    await expectChains(world, stopped, { vda: 2, vdb: 2 });
    const content = await contentHash(volumeSnapshotPath(world, taken));
    await revertTo(operator(), stopped, { snapshot: s1 });
    expect(await contentHash(volumeSnapshotPath(world, taken))).toBe(content);
    await world.waitForNoDrift();
  });
});

describe('GA-7: a backup from a snapshot of a qcow2 chain', () => {
  it('GA-7: what a VM snapshot in the middle of a chain holds, which stays when that VM snapshot goes', async () => {
    await write(stopped, 5);
    const middle = await takeSnapshot(operator(), stopped, { name: 'middle' });
    await write(stopped, 6);
    await takeSnapshot(operator(), stopped, { name: 'top' });
    const path = await layerOf(middle.id);
    const taken = await takeVolumeSnapshot(operator(), { volumeId: vdaOf(stopped), vmSnapshotId: middle.id });
    await expectCopyOf(taken, path);
    const content = await contentHash(path);
    await deleteSnapshots(owner(), stopped, { snapshotIds: [middle.id] });
    expect(await contentHash(volumeSnapshotPath(world, taken))).toBe(content);
    expect(await findVolumeSnapshot(operator(), taken.id)).toMatchObject({ state: 'CREATED_ON_PRIMARY', checksum: taken.checksum });
  });

  it('GA-7: of a running guest, what a VM snapshot below its head holds, while it writes on', async () => {
    const { id } = await takeSnapshot(operator(), running, { name: 'backed-up', quiesce: true });
    const taken = await takeVolumeSnapshot(operator(), { volumeId: vdaOf(running), vmSnapshotId: id });
    expect(taken.consistency).toBe('FILESYSTEM');
    // The system may be merging that layer just now: then the snapshot reads another one.
    await waitUntil('the copy to be what the snapshot reads', async () => expectCopyOf(taken, await layerOf(id)).then(() => true));
    await running.machine.writes();
  });
});

/** The layer of vda that a VM snapshot pins; only an ADMIN is told. */
async function layerOf(snapshotId: string): Promise<string> {
  const document = 'query Layer($id: ID!) { node(id: $id) { ... on VmSnapshot { disks { target layerPath } } } }';
  const { node } = await world.admin.ask<{ node: { disks: { target: string; layerPath: string | null }[] } }>(document, { id: snapshotId });
  return world.layerPath(node.disks.find(({ target }) => target === 'vda') ?? { layerPath: null });
}

describe('VM-16: one operation at a time', () => {
  it('VM-16: during a VM-snapshot operation a volume snapshot is MACHINE_BUSY and names it; and the other way round', async () => {
    const { agent } = world.host('h1');
    // Of a machine without layers that the system could be merging just now.
    const resting = await world.addMachine({ name: 'resting', power: 'off' });
    agent.pause();
    const vmSnapshot = await askForSnapshot(operator(), resting, { name: 'first' });
    const refused = await changeVolumeSnapshot(operator(), 'createVolumeSnapshot', { volumeId: vdaOf(resting) });
    expect(refused).toMatchObject({ snapshot: null, errors: [{ code: 'MACHINE_BUSY', operation: { id: vmSnapshot.operation?.id } }] });
    agent.resume();
    await snapshotIn(operator(), vmSnapshot.snapshot?.id ?? '', 'READY');
    await machineIsIdle(operator(), resting);

    agent.pause();
    const taking = await changeVolumeSnapshot(operator(), 'createVolumeSnapshot', { volumeId: vdaOf(resting) });
    const busy = [{ code: 'MACHINE_BUSY', operation: { id: taking.operation?.id } }];
    expect(await askForSnapshot(operator(), resting)).toMatchObject({ snapshot: null, errors: busy });
    expect(await askToDelete(owner(), resting, { snapshotIds: [vmSnapshot.snapshot?.id ?? ''] })).toMatchObject({ errors: busy });
    const seen = await machineSeen(operator(), resting);
    expect(seen.volumes[0]?.actions.find(({ action }) => action === 'CREATE_VOLUME_SNAPSHOT')).toMatchObject({ code: 'MACHINE_BUSY' });
    agent.resume();
    await volumeSnapshotIn(operator(), taking.snapshot?.id ?? '', 'CREATED_ON_PRIMARY');
  });
});

describe('volume snapshots', () => {
  it('what this version cannot do, and what belongs to others, is refused with nothing changed', async () => {
    const volumeId = vdaOf(stopped);
    const files = (await readdir(world.poolDir)).toSorted();
    const [first = ''] = await snapshotsOfVolume(operator(), volumeId);
    const codeOf = async (input: object) => (await changeVolumeSnapshot(operator(), 'createVolumeSnapshot', input)).errors[0]?.code;
    expect(await codeOf({ volumeId, kind: 'INCREMENTAL' })).toBe('CAPABILITY_DISABLED');
    expect(await codeOf({ volumeId, location: 'SECONDARY' })).toBe('CAPABILITY_DISABLED');
    const vmSnapshotId = (await treeOf(operator(), stopped)).snapshotTree.nodes[0]?.id;
    expect(await codeOf({ volumeId, quiesce: true, vmSnapshotId })).toBe('INVALID_INPUT');
    expect(await codeOf({ volumeId: vdaOf(running), vmSnapshotId })).toBe('INVALID_INPUT');
    expect(await codeOf({ volumeId, vmSnapshotId: running.id })).toBe('NOT_FOUND');
    const foreign = await changeVolumeSnapshot(stranger(), 'createVolumeSnapshot', { volumeId });
    expect(foreign.errors[0]?.code).toBe('NOT_FOUND');
    for (const mutation of ['deleteVolumeSnapshot', 'updateVolumeSnapshot'] as const) {
      expect((await changeVolumeSnapshot(stranger(), mutation, { snapshotId: first })).errors[0]?.code).toBe('NOT_FOUND');
    }
    expect(await findVolumeSnapshot(stranger(), first)).toBeNull();
    expect((await changeVolumeSnapshot(operator(), 'deleteVolumeSnapshot', { snapshotId: first })).errors[0]?.code).toBe('FORBIDDEN');
    expect((await readdir(world.poolDir)).toSorted()).toEqual(files);
  });

  it('they outlive their machine, and go with their file when they are deleted; a locked one stays', async () => {
    const volumeId = vdaOf(stopped);
    const ids = await snapshotsOfVolume(operator(), volumeId);
    expect(ids).toHaveLength(2);
    await doTo(owner(), 'destroyVirtualMachine', { virtualMachineId: stopped.id });
    for (const id of ids) expect(await findVolumeSnapshot(owner(), id)).toMatchObject({ state: 'CREATED_ON_PRIMARY', volume: null });
    const [id = ''] = ids;
    await changeVolumeSnapshot(operator(), 'updateVolumeSnapshot', { snapshotId: id, name: 'kept', locked: true });
    expect((await changeVolumeSnapshot(owner(), 'deleteVolumeSnapshot', { snapshotId: id })).errors[0]?.code).toBe('SNAPSHOT_LOCKED');
    expect(await findVolumeSnapshot(owner(), id)).toMatchObject({ name: 'kept', locked: true });
    await changeVolumeSnapshot(operator(), 'updateVolumeSnapshot', { snapshotId: id, locked: false });
    for (const snapshotId of [...ids, ...(await snapshotsOfVolume(owner(), vdaOf(running)))]) {
      const path = volumeSnapshotPath(world, { id: snapshotId });
      expect(existsSync(path)).toBe(true);
      const { operation } = await whenFree('a removal', () => changeVolumeSnapshot(owner(), 'deleteVolumeSnapshot', { snapshotId }));
      expect(await operationEnded(owner(), operation?.id ?? '')).toMatchObject({ state: 'SUCCEEDED' });
      expect(existsSync(path)).toBe(false);
      expect(await findVolumeSnapshot(owner(), snapshotId)).toMatchObject({ state: 'DESTROYED', physicalBytes: 0 });
    }
    await machineIsIdle(owner(), running);
    await expectNoOrphans(world);
    await expectOneOperationAtATime(world);
  });
});
