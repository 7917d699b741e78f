import { mkdir, mkdtemp, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { virsh } from '@coppice/lab';
import { attachByHand, detachByHand, exchangeImageByHand, hasManagedSave, newDiskImage, saveManaged } from './by-hand.js';
import { contentHash, showsPattern, writePatternLive } from './content.js';
import { type GoldenGuest, goldenGuest } from './golden-guest.js';
import { LabHost } from './lab-host.js';
import { endHypervisor, note } from './ledger.js';
import { Machine } from './machine.js';
import { disksOf } from './outside-probes.js';
import { runFolder, runLedger, takePort } from './run-folder.js';
import { leaveRoom, mountPool, unmountPool } from './small-pool.js';
import { waitUntil } from './wait-until.js';

let dir: string;
let golden: GoldenGuest;
let hosts: LabHost[];

beforeAll(async () => {
  dir = await mkdtemp(join(runFolder(), 'by-hand-test-'));
  golden = await goldenGuest();
  hosts = [];
  for (const name of ['h1', 'h2']) hosts.push(await LabHost.create({ name, dir, poolDir: dir, apiPort: await takePort(), golden }));
});

afterAll(async () => {
  for (const host of hosts) {
    await host.link.close();
    await endHypervisor(host.place);
  }
});

function host(index: number): LabHost {
  const found = hosts[index];
  if (found === undefined) throw new Error(`there is no host ${index}`);
  return found;
}

function machineOn({ libvirtUri, place }: LabHost, request: { name: string; power?: 'off' }): Promise<Machine> {
  return Machine.create({ ...request, libvirtUri, poolDir: dir, runDir: place.runDir, logDir: join(dir, 'log'), golden });
}

it('attaches, detaches and exchanges images of a stopped machine, and of a running one', async () => {
  const machine = await machineOn(host(0), { name: 'stopped', power: 'off' });
  const before = await disksOf(machine, 'persistent');
  const disk = await newDiskImage(dir, 8 * 1024 * 1024);
  await exchangeImageByHand(machine, 'vdb', disk.path);
  expect(await disksOf(machine, 'persistent')).toEqual({ ...before, vdb: disk.path });
  await exchangeImageByHand(machine, 'vdb', before['vdb'] ?? '');
  await attachByHand(machine, { path: disk.path, target: 'vdc' });
  expect(await disksOf(machine, 'persistent')).toEqual({ ...before, vdc: disk.path });
  await detachByHand(machine, { target: 'vdc' });

  const running = await machineOn(host(0), { name: 'running' });
  await attachByHand(running, { path: disk.path, target: 'vdc', isLive: true });
  const empty = await contentHash(disk.path);
  await writePatternLive(running, 'vdc', { offset: 4096, length: 4096, byte: 9 });
  expect(await showsPattern(disk.path, { offset: 4096, length: 4096, byte: 9 })).toBe(true);
  expect(await contentHash(disk.path)).not.toBe(empty);
  await detachByHand(running, { target: 'vdc', isLive: true });
  await waitUntil('the guest to let go of the disk', async () => (await disksOf(running, 'live'))['vdc'] === undefined);
  await saveManaged(running);
  expect(await hasManagedSave(running)).toBe(true);
});

it('hears the writer of a guest that has moved to another host, and of one that has come back', async () => {
  let machine = await machineOn(host(0), { name: 'mover' });
  for (const to of [host(1), host(0)]) {
    const stream = `unix://${join(to.place.runDir, 'stream')}`;
    const how = ['--live', '--persistent', '--undefinesource', '--unsafe', '--migrateuri', stream];
    // An emulated guest that runs on its way may arrive with wrong memory (decision 17).
    await virsh(machine.libvirtUri, ['suspend', machine.name]);
    await virsh(machine.libvirtUri, ['migrate', machine.name, to.libvirtUri, ...how]);
    machine = machine.movedTo(to);
    await virsh(machine.libvirtUri, ['resume', machine.name]);
    await machine.writes();
  }
});

it('fills a pool up to the last bytes, and makes room again', async () => {
  const path = join(dir, 'small');
  await mkdir(path);
  note(runLedger(), { kind: 'mount', path });
  await mountPool(path, 16 * 1024 * 1024);
  const freeBytes = async () => {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  };
  expect(await freeBytes()).toBeGreaterThan(15 * 1024 * 1024);
  await leaveRoom(path, 1024 * 1024);
  expect(await freeBytes()).toBeLessThanOrEqual(1024 * 1024);
  await leaveRoom(path, null);
  expect(await freeBytes()).toBeGreaterThan(15 * 1024 * 1024);
  await unmountPool(path);
});
