/** libvirt's domain XML: what we read in it, and the two changes that we make. Must never be changed by text replacement. */
import type { Element } from '@xmldom/xmldom';
import { child, children, domainOf, parse, print, textOf } from './xml-nodes.js';

const AGENT_CHANNEL = 'org.qemu.guest_agent.0';

/** One disk of a definition. `file` is null for an empty drive or a source that is no file. */
export interface DefinedDisk {
  readonly target: string;
  readonly device: 'disk' | 'cdrom' | 'floppy' | 'lun';
  readonly format: string;
  readonly file: string | null;
  readonly isReadOnly: boolean;
  readonly isTransient: boolean;
  readonly serial: string | null;
}

/** What we read in a definition. */
export interface Definition {
  readonly name: string;
  /** QEMU computes its processor (TCG) instead of running it. */
  readonly isEmulated: boolean;
  readonly vcpus: number;
  readonly memoryBytes: number;
  readonly machineType: string | null;
  readonly firmware: string | null;
  /** Where the machine's UEFI variables are; null if it has none. */
  readonly nvramPath: string | null;
  readonly disks: readonly DefinedDisk[];
  readonly guestAgent: 'CONNECTED' | 'DISCONNECTED' | 'NOT_CONFIGURED';
}

/** Reads a definition as libvirt printed it. Throws if it is not one. */
export function readDefinition(xml: string): Definition {
  const domain = domainOf(parse(xml));
  const os = child(domain, 'os');
  const type = os === undefined ? undefined : child(os, 'type');
  const loader = os === undefined ? undefined : child(os, 'loader');
  const devices = child(domain, 'devices');
  return {
    name: textOf(domain, 'name'),
    isEmulated: domain.getAttribute('type') === 'qemu',
    vcpus: Number(child(domain, 'vcpu')?.getAttribute('current') ?? textOf(domain, 'vcpu')) || 0,
    memoryBytes: memoryBytesOf(child(domain, 'memory')),
    machineType: type?.getAttribute('machine') ?? null,
    firmware: os?.getAttribute('firmware') ?? loader?.textContent ?? null,
    nvramPath: os === undefined ? null : textOf(os, 'nvram') || null,
    disks: devices === undefined ? [] : children(devices, 'disk').map(diskOf),
    guestAgent: agentOf(devices === undefined ? [] : children(devices, 'channel')),
  };
}

/** What a disk is put on. The format is set, too: an overlay over a raw layer is qcow2, and a raw layer read as qcow2 is lost. */
export interface FileSource {
  readonly path: string;
  readonly format: string;
}

/**
 * The definition with these sources by target, and without any explicit backing chain: libvirt trusts a `<backingStore>` and does not read
 * the headers again, so a stale one shows the guest another chain's data, and an empty one reads zeros (kvm.md §3). Throws if a target is
 * not there.
 */
export function withSources(xml: string, sources: ReadonlyMap<string, FileSource>): string {
  const document = parse(xml);
  const devices = child(domainOf(document), 'devices');
  const missing = new Set(sources.keys());
  for (const disk of devices === undefined ? [] : children(devices, 'disk')) {
    const target = child(disk, 'target')?.getAttribute('dev') ?? '';
    forgetChain(disk);
    const wanted = sources.get(target);
    if (wanted !== undefined && putOn(disk, wanted)) missing.delete(target);
  }
  if (missing.size > 0) throw new Error(`the definition has no disk with a source at ${[...missing].join(', ')}`);
  return print(document);
}

/** Takes what libvirt wrote of a disk's chain out of it: the headers say it better. */
export function forgetChain(disk: Element): void {
  for (const backing of children(disk, 'backingStore')) disk.removeChild(backing);
  child(disk, 'source')?.removeAttribute('index');
}

/** False for a disk without a source. */
export function putOn(disk: Element, { path, format }: FileSource): boolean {
  const source = child(disk, 'source');
  if (source === undefined) return false;
  source.setAttribute('file', path);
  child(disk, 'driver')?.setAttribute('type', format);
  return true;
}

/** The XML of a snapshot, with memory if there is a file for it: every disk is named, as libvirt makes up a file for a disk that is not (kvm.md §2.1). */
export function snapshotXml(
  disks: readonly DefinedDisk[],
  newHeads: ReadonlyMap<string, string>,
  memoryPath: string | null = null,
): string {
  const document = parse('<domainsnapshot><disks/></domainsnapshot>');
  const root = domainOf(document);
  if (memoryPath !== null) {
    const memory = document.createElement('memory');
    memory.setAttribute('snapshot', 'external');
    memory.setAttribute('file', memoryPath);
    root.insertBefore(memory, root.firstChild);
  }
  const list = child(root, 'disks') ?? root;
  for (const { target } of disks) {
    const disk = document.createElement('disk');
    disk.setAttribute('name', target);
    const path = newHeads.get(target);
    disk.setAttribute('snapshot', path === undefined ? 'no' : 'external');
    if (path !== undefined) {
      disk.setAttribute('type', 'file');
      const driver = document.createElement('driver');
      driver.setAttribute('type', 'qcow2');
      const source = document.createElement('source');
      source.setAttribute('file', path);
      disk.appendChild(driver);
      disk.appendChild(source);
    }
    list.appendChild(disk);
  }
  return print(document);
}

/** One `<disk>`. */
export function diskOf(disk: Element): DefinedDisk {
  const device = disk.getAttribute('device') ?? 'disk';
  return {
    target: child(disk, 'target')?.getAttribute('dev') ?? '',
    device: device === 'cdrom' || device === 'floppy' || device === 'lun' ? device : 'disk',
    format: child(disk, 'driver')?.getAttribute('type') ?? 'raw',
    file: child(disk, 'source')?.getAttribute('file') ?? null,
    isReadOnly: child(disk, 'readonly') !== undefined,
    isTransient: child(disk, 'transient') !== undefined,
    serial: child(disk, 'serial')?.textContent ?? null,
  };
}

function agentOf(channels: readonly Element[]): Definition['guestAgent'] {
  const target = channels.map((channel) => child(channel, 'target')).find((target) => target?.getAttribute('name') === AGENT_CHANNEL);
  if (target === undefined) return 'NOT_CONFIGURED';
  return target.getAttribute('state') === 'connected' ? 'CONNECTED' : 'DISCONNECTED';
}

/** libvirt always prints KiB; other units come from definitions that it has not printed. */
function memoryBytesOf(memory: Element | undefined): number {
  const units: Record<string, number> = {
    b: 1,
    bytes: 1,
    KB: 1e3,
    KiB: 1024,
    MB: 1e6,
    MiB: 1024 ** 2,
    GB: 1e9,
    GiB: 1024 ** 3,
    TiB: 1024 ** 4,
  };
  const factor = units[memory?.getAttribute('unit') ?? 'KiB'] ?? 1024;
  return Math.round(Number(memory?.textContent ?? 0) * factor);
}
