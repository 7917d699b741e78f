/** Power, size and disks of machines beside their snapshots; capabilities of hosts. */
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { machineBecomes, machineSeen } from '../testkit/machine-calls.js';
import { expectNoOrphans, expectOneOperationAtATime } from '../testkit/on-disk.js';
import { askFor, doTo, refusalOf, succeeded } from '../testkit/operation-calls.js';
import { disksOf, headOf } from '../testkit/outside-probes.js';
import { askForSnapshot, findSnapshot, takeSnapshot } from '../testkit/snapshot-calls.js';
import { type KnownMachine, World } from '../testkit/world.js';

let world: World;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
});
afterAll(async () => {
  await world?.stop();
});

const owner = () => world.as(world.acme.ownerToken);
const operator = () => world.as(world.acme.operatorToken);

describe('power', () => {
  it('a guest is asked to shut down, or stopped at once; it starts on its recorded disks', async () => {
    const known = await world.addMachine({ name: 'power' });
    await takeSnapshot(operator(), known, {});
    await doTo(operator(), 'stopVirtualMachine', { virtualMachineId: known.id });
    expect(await known.machine.state()).toBe('shut off');
    expect(await machineSeen(operator(), known)).toMatchObject({ state: 'STOPPED', powerState: 'OFF', drift: null });
    await doTo(operator(), 'startVirtualMachine', { virtualMachineId: known.id });
    await known.machine.writes();
    expect(await disksOf(known.machine, 'live')).toEqual(await disksOf(known.machine, 'persistent'));
    await doTo(operator(), 'stopVirtualMachine', { virtualMachineId: known.id, force: true });
    expect(await known.machine.state()).toBe('shut off');
    expect(await refusalOf(operator(), 'stopVirtualMachine', { virtualMachineId: known.id })).toBe('MACHINE_STATE');
  });
});

describe('VM-13: disks', () => {
  let known: KnownMachine;
  let donor: KnownMachine;

  beforeAll(async () => {
    known = await world.addMachine({ name: 'disks' });
    donor = await world.addMachine({ name: 'donor', power: 'off' });
  });

  it('VM-13: a volume goes from a stopped machine to a running one and back, its files untouched', async () => {
    const volumeId = donor.volumes['vdb'] ?? '';
    const path = await headOf(donor.machine, 'vdb');
    await succeeded(owner(), await askFor(owner(), 'detachVolume', { volumeId }));
    const detached = await machineSeen(owner(), donor);
    expect(detached.volumes.map(({ target }) => target)).toEqual(['vda']);
    expect(await disksOf(donor.machine, 'persistent')).not.toHaveProperty('vdb');
    expect(await readdir(world.poolDir)).toContain(path.split('/').at(-1));

    await doTo(owner(), 'attachVolume', { virtualMachineId: known.id, volumeId });
    expect((await disksOf(known.machine, 'live'))['vdc']).toBe(path);
    expect(await headOf(known.machine, 'vdc')).toBe(path);
    await known.machine.writes();
    await machineBecomes(owner(), known, ({ drift, volumes }) => drift === null && volumes.length === 3);
  });

  it('VM-13: no attach and no detach while VM snapshots exist, and nothing is changed', async () => {
    const volumeId = (await machineSeen(owner(), known)).volumes.find(({ target }) => target === 'vdc')?.id ?? '';
    await takeSnapshot(operator(), known, { name: 'holds' });
    const before = await disksOf(known.machine, 'live');
    expect(await refusalOf(owner(), 'detachVolume', { volumeId })).toBe('HAS_VM_SNAPSHOTS');
    expect(await refusalOf(owner(), 'attachVolume', { virtualMachineId: known.id, volumeId: donor.volumes['vda'] })).toBe(
      'HAS_VM_SNAPSHOTS',
    );
    expect(await disksOf(known.machine, 'live')).toEqual(before);
    const seen = await machineSeen(owner(), known);
    for (const action of ['ATTACH_VOLUME', 'DETACH_VOLUME']) {
      expect(seen.actions.find((one) => one.action === action)).toMatchObject({ enabled: false, code: 'HAS_VM_SNAPSHOTS' });
    }
    const ofVolume = seen.volumes.find(({ target }) => target === 'vdc')?.actions.find(({ action }) => action === 'DETACH_VOLUME');
    expect(ofVolume).toMatchObject({ enabled: false, code: 'HAS_VM_SNAPSHOTS' });
  });
});

describe('VM-14: resize', () => {
  it('VM-14: memory images go, snapshots are DISK, a transition says why; the next start has the new size', async () => {
    const known = await world.addMachine({ name: 'resized' });
    const disk = await takeSnapshot(operator(), known, { name: 'disk' });
    const memory = await takeSnapshot(operator(), known, { name: 'memory', kind: 'DISK_AND_MEMORY' });
    expect(memory).toMatchObject({ kind: 'DISK_AND_MEMORY', consistency: 'MEMORY' });
    expect((await readdir(world.poolDir)).filter((name) => name.endsWith('.mem'))).toHaveLength(1);

    await doTo(owner(), 'resizeVirtualMachine', { virtualMachineId: known.id, vcpus: 2, memoryBytes: 256 * 1024 * 1024 });

    expect((await readdir(world.poolDir)).filter((name) => name.endsWith('.mem'))).toEqual([]);
    for (const { id } of [disk, memory]) expect(await findSnapshot(operator(), id)).toMatchObject({ kind: 'DISK', state: 'READY' });
    const told = await operator().ask<{ stateTransitions: { nodes: { event: string; reason: string | null }[] } }>(
      'query Why($id: ID!) { stateTransitions(first: 1, filter: { subjectId: $id }) { nodes { event reason } } }',
      { id: memory.id },
    );
    expect(told.stateTransitions.nodes[0]?.reason).toContain('resized');
    expect(await known.machine.virsh('dumpxml', known.machine.name, '--inactive')).toMatch(/<vcpu[^>]*>2<\/vcpu>/);
    await doTo(operator(), 'stopVirtualMachine', { virtualMachineId: known.id, force: true });
    await doTo(operator(), 'startVirtualMachine', { virtualMachineId: known.id });
    await machineBecomes(operator(), known, ({ vcpus }) => vcpus === 2);
    await known.machine.writes();
  });
});

describe('VM-21: capabilities', () => {
  it('VM-21: what a capability that is off needs is refused with the reason, before and when it is asked for', async () => {
    const known = await world.addMachine({ name: 'capable', power: 'off' });
    const hostId = (await machineSeen(world.admin, known)).host?.id ?? '';
    const set = (enabled: boolean) =>
      world.admin.ask(
        'mutation Set($input: SetHostCapabilityInput!) { setHostCapability(input: $input) { host { capabilities { name enabled reason } } errors { code } } }',
        { input: { hostId, name: 'vm-snapshot.disk', enabled } },
      );
    await set(false);
    const answer = await askForSnapshot(operator(), known, {});
    expect(answer.errors[0]).toMatchObject({ code: 'CAPABILITY_DISABLED' });
    expect(answer.errors[0]?.message).toContain('vm-snapshot.disk');
    const action = (await machineSeen(operator(), known)).actions.find((one) => one.action === 'CREATE_VM_SNAPSHOT');
    expect(action).toMatchObject({ enabled: false, code: 'CAPABILITY_DISABLED', reason: answer.errors[0]?.message });
    await set(true);
    await takeSnapshot(operator(), known, {});
  });
});

it('leaves no file that is not recorded, and never ran two operations of a machine at once', async () => {
  await expectNoOrphans(world);
  await expectOneOperationAtATime(world);
});
