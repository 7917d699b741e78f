/** What an agent tells of its host, with real libvirt and images; no guest is booted. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGuestDisks, defineGuest, runProgram, virsh } from '@coppice/lab';
import type { InventoryMachine } from '@coppice/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HostWorld } from '../testing/host-world.js';
import { until } from '../testing/until.js';

/** As an import from another hypervisor brings it: not of RFC 9562. */
const ODD_UUID = '564d8e2a-1234-0bad-1234-0123456789ab';

let world: HostWorld;
let uuid: string;
let paths: readonly string[];

beforeAll(async () => {
  world = await HostWorld.open();
  const machine = await world.addMachine('g1');
  uuid = machine.uuid;
  paths = machine.guest.disks.map(({ path }) => path);
  const disks = await createGuestDisks({ poolDir: world.poolDir });
  await defineGuest(world.uri, { ...machine.guest, name: 'odd', uuid: ODD_UUID, disks });
  world.agent.start();
  await world.api.connected();
});
afterAll(() => world.close());

/** What was told last of a machine. */
function told(machineUuid: string): InventoryMachine | undefined {
  return world.api.all('inventory.machine-seen').findLast(({ machine }) => machine.uuid === machineUuid)?.machine;
}

/** Asks for a machine until what is told of it is as wanted. */
async function seen(machineUuid: string, isWanted: (machine: InventoryMachine) => boolean): Promise<InventoryMachine> {
  return until(`an inventory of ${machineUuid}`, () => {
    world.api.send({ type: 'inventory.requested', machineUuid });
    const machine = told(machineUuid);
    return machine !== undefined && isWanted(machine) && machine;
  });
}

it('tells all machines, also one whose UUID is of no standard, and its pools; then that this was all', async () => {
  const all = await until('the list', () => world.api.all('inventory.completed').at(-1));
  expect(all.machineUuids.toSorted()).toEqual([uuid, ODD_UUID].toSorted());
  expect(told(uuid)).toMatchObject({
    name: 'g1',
    power: 'OFF',
    disks: [
      { target: 'vda', problem: null, chain: [{ pool: 'pool', format: 'qcow2', virtualBytes: 64 * 1024 * 1024, internalSnapshots: 0 }] },
      { target: 'vdb', problem: null },
    ],
  });
  expect(told(ODD_UUID)).toMatchObject({ name: 'odd', power: 'OFF' });
  const pool = { name: 'pool', type: 'SHARED_MOUNT_POINT', problem: null };
  expect(world.api.all('inventory.pools-seen').at(-1)?.pools).toContainEqual(expect.objectContaining(pool));
});

it('tells what is wrong with one disk, and the rest of the machine', async () => {
  const [first = '', second = ''] = paths;
  await runProgram('qemu-img', ['snapshot', '-c', 'by-hand', first], { deadlineMs: 20_000 });
  await rm(second);
  const machine = await seen(uuid, ({ disks }) => disks[1]?.problem !== null);
  expect(machine.disks[0]).toMatchObject({ problem: null, chain: [{ internalSnapshots: 1 }] });
  expect(machine.disks[1]).toMatchObject({ chain: [], problem: expect.stringContaining('there is no such file') });
  await writeFile(second, 'no image');
  const again = await seen(uuid, ({ disks }) => disks[1]?.problem?.includes('not a qcow2') === true);
  expect(again.disks[1]?.chain).toEqual([]);
});

it('tells that a machine has changed, and that one is gone, without being asked', async () => {
  const xml = await virsh(world.uri, ['dumpxml', 'odd']);
  const path = join(world.dir, 'odd.xml');
  await writeFile(path, xml.replace("<vcpu placement='static'>1</vcpu>", "<vcpu placement='static'>2</vcpu>"));
  await world.virsh('define', path);
  await until('the change', () => told(ODD_UUID)?.vcpus === 2);
  await world.virsh('undefine', 'odd');
  await until('the list without it', () => world.api.all('inventory.completed').at(-1)?.machineUuids.join() === uuid);
});
