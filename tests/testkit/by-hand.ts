/** What an operator does to a machine behind Coppice's back, with virsh and qemu-img. */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '@coppice/lab';
import type { Machine } from './machine.js';

const DEADLINE_MS = 60_000;

/** A disk as virsh attaches it. `isLive`: to the running machine as well as to its definition. */
export interface DiskByHand {
  readonly path: string;
  readonly target: string;
  readonly isLive?: boolean;
}

/** An empty image of a new volume, named as the first layer of one. */
export async function newDiskImage(poolDir: string, virtualBytes: number): Promise<{ volumeUuid: string; path: string }> {
  const volumeUuid = randomUUID();
  const path = join(poolDir, `volume-${volumeUuid}.0.qcow2`);
  await runProgram('qemu-img', ['create', '-q', '-f', 'qcow2', path, String(virtualBytes)], { deadlineMs: DEADLINE_MS });
  return { volumeUuid, path };
}

/** Attaches an image as a virtio disk. */
export async function attachByHand(machine: Machine, { path, target, isLive }: DiskByHand): Promise<void> {
  const where = isLive === true ? ['--live', '--config'] : ['--config'];
  const how = ['--driver', 'qemu', '--subdriver', 'qcow2', '--cache', 'none', '--targetbus', 'virtio'];
  await machine.virsh('attach-disk', machine.name, path, target, ...how, ...where);
}

/** Detaches a disk; a running guest lets go of it some time later. */
export async function detachByHand(machine: Machine, { target, isLive }: Omit<DiskByHand, 'path'>): Promise<void> {
  await machine.virsh('detach-disk', machine.name, target, ...(isLive === true ? ['--live', '--config'] : ['--config']));
}

/** Puts another image into the place of a stopped machine's disk, as `virsh edit` does; address and serial stay. */
export async function exchangeImageByHand(machine: Machine, target: string, path: string): Promise<void> {
  const xml = await machine.virsh('dumpxml', machine.name, '--inactive', '--security-info');
  const changed = xml.replace(/<disk [^]*?<\/disk>/g, (disk) =>
    disk.includes(`dev='${target}'`) ? withoutChain(disk).replace(/<source file='[^']*'[^>]*\/>/, `<source file='${path}'/>`) : disk,
  );
  if (changed === xml) throw new Error(`${machine.name} has no ${target} whose image could be exchanged`);
  const file = join(machine.guest.logDir, `${machine.name}.exchanged.xml`);
  await writeFile(file, changed, { mode: 0o600 });
  await machine.virsh('define', file);
}

/** Saves a running machine's memory and ends it: its next start goes on there, whatever its definition says then. */
export async function saveManaged(machine: Machine): Promise<void> {
  await machine.virsh('managedsave', machine.name);
}

/** Whether libvirt keeps a managed save image of the machine. */
export async function hasManagedSave(machine: Machine): Promise<boolean> {
  return /Managed save:\s+yes/.test(await machine.virsh('dominfo', machine.name));
}

/** The chain that a definition spells out, which libvirt would believe. */
function withoutChain(disk: string): string {
  const begins = disk.indexOf('<backingStore');
  if (begins < 0) return disk;
  const closes = disk.lastIndexOf('</backingStore>');
  const ends = closes < 0 ? disk.indexOf('/>', begins) + 2 : closes + '</backingStore>'.length;
  return disk.slice(0, begins) + disk.slice(ends);
}
