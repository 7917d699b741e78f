/**
 * The definition of a new machine that is like a recorded one. What can be one machine's alone is made anew or left out: two machines with one
 * MAC address, one socket or one NVRAM file disturb each other, and with one disk they destroy it. Must never name a file that the other machine
 * writes.
 */
import { createHash } from 'node:crypto';
import type { Document, Element } from '@xmldom/xmldom';
import { diskOf, type FileSource, forgetChain, putOn } from './domain-xml.js';
import { child, children, domainOf, parse, print } from './xml-nodes.js';

/** `disks`: by target; every other writable disk of the record is left out. */
export interface NewMachine {
  readonly uuid: string;
  readonly name: string;
  readonly recordedXml: string;
  readonly disks: ReadonlyMap<string, FileSource & { readonly volumeId: string }>;
}

/** Devices of the host, or files of it that a guest writes: one machine has them. */
const NOT_SHARED = ['hostdev', 'redirdev', 'shmem'] as const;
const CHARACTER_DEVICES = ['serial', 'parallel', 'console', 'channel'] as const;
/** What a disk's serial is if a volume's id stands in it: whole, or as far as virtio-blk carries it. */
const WHOLE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const CUT_ID = /^[0-9a-f]{20}$/;

/** See the file's head. Throws if a disk that is named is not in the record. */
export function likeDefinition({ uuid, name, recordedXml, disks }: NewMachine): string {
  const document = parse(recordedXml);
  const domain = domainOf(document);
  domain.removeAttribute('id');
  setText(document, 'uuid', uuid);
  setText(document, 'name', name);
  for (const other of ['title', 'description', 'metadata']) remove(domain, other);
  // Left empty, libvirt makes a new one.
  for (const generation of children(domain, 'genid')) generation.textContent = '';
  renewFirmware(domain, uuid);
  const devices = child(domain, 'devices');
  if (devices === undefined) throw new Error('the definition has no devices');
  putDisks(devices, disks);
  for (const kind of NOT_SHARED) remove(devices, kind);
  for (const memory of children(devices, 'memory')) if (child(memory, 'source')) devices.removeChild(memory);
  for (const [index, network] of children(devices, 'interface').entries()) renewNetwork(network, addressOf(uuid, index));
  for (const kind of CHARACTER_DEVICES) for (const device of children(devices, kind)) renewCharacterDevice(device, kind);
  for (const graphics of children(devices, 'graphics')) renewGraphics(graphics);
  for (const cid of children(devices, 'vsock').flatMap((vsock) => children(vsock, 'cid'))) {
    cid.setAttribute('auto', 'yes');
    cid.removeAttribute('address');
  }
  return print(document);
}

/** The n-th MAC address of a machine: of QEMU's range, and the same whenever it is asked for. */
export function addressOf(uuid: string, index: number): string {
  const digest = createHash('sha256').update(`${uuid} ${index}`).digest('hex');
  return `52:54:00:${digest.slice(0, 2)}:${digest.slice(2, 4)}:${digest.slice(4, 6)}`;
}

/** UEFI variables begin from the template again; the number that the firmware shows is the new machine's. */
function renewFirmware(domain: Element, uuid: string): void {
  const nvram = child(child(domain, 'os') ?? domain, 'nvram');
  if (nvram !== undefined) {
    for (const source of children(nvram, 'source')) nvram.removeChild(source);
    nvram.textContent = '';
    nvram.removeAttribute('type');
  }
  for (const system of children(domain, 'sysinfo').flatMap((sysinfo) => children(sysinfo, 'system'))) {
    for (const entry of children(system, 'entry')) {
      if (entry.getAttribute('name') === 'uuid') entry.textContent = uuid;
      else if (entry.getAttribute('name') === 'serial') system.removeChild(entry);
    }
  }
}

function putDisks(devices: Element, wanted: NewMachine['disks']): void {
  const missing = new Set(wanted.keys());
  for (const disk of children(devices, 'disk')) {
    const { target, device, isReadOnly } = diskOf(disk);
    forgetChain(disk);
    const source = wanted.get(target);
    if (source !== undefined && putOn(disk, source)) {
      missing.delete(target);
      renewSerial(disk, source.volumeId);
    } else if (device === 'floppy' && !isReadOnly) remove(disk, 'source');
    else if (device !== 'cdrom' && !isReadOnly) devices.removeChild(disk);
  }
  if (missing.size > 0) throw new Error(`the recorded definition has no disk with a source at ${[...missing].join(', ')}`);
}

/** A serial that somebody chose stays: the guest may mount by it. One that is a volume's id becomes the new volume's. */
function renewSerial(disk: Element, volumeId: string): void {
  remove(disk, 'wwn');
  const serial = child(disk, 'serial');
  if (serial === undefined) return;
  const text = serial.textContent ?? '';
  if (WHOLE_ID.test(text)) serial.textContent = volumeId;
  else if (CUT_ID.test(text)) serial.textContent = volumeId.replaceAll('-', '').slice(0, text.length);
}

function renewNetwork(network: Element, address: string): void {
  child(network, 'mac')?.setAttribute('address', address);
  // The tap device and the port of a switch are the other machine's.
  for (const name of ['target', 'guest']) remove(network, name);
  for (const port of children(network, 'virtualport')) for (const parameters of children(port, 'parameters')) renewPort(parameters);
}

function renewPort(parameters: Element): void {
  for (const name of ['interfaceid', 'instanceid', 'portid']) parameters.removeAttribute(name);
}

/** Where the host has the other end in a place of its own, libvirt makes one: a socket beside the machine's others, or a terminal. */
function renewCharacterDevice(device: Element, kind: (typeof CHARACTER_DEVICES)[number]): void {
  remove(device, 'log');
  const type = device.getAttribute('type');
  if (type === 'spicevmc' || type === 'spiceport' || type === 'null' || type === 'vc' || type === 'stdio') return;
  remove(device, 'source');
  remove(device, 'protocol');
  device.removeAttribute('tty');
  device.setAttribute('type', kind === 'channel' && type === 'unix' ? 'unix' : 'pty');
}

/** A port or socket that is fixed can be had once. */
function renewGraphics(graphics: Element): void {
  if (graphics.getAttribute('type') !== 'vnc' && graphics.getAttribute('type') !== 'spice') return;
  for (const name of ['port', 'tlsPort', 'websocket', 'socket']) graphics.removeAttribute(name);
  graphics.setAttribute('autoport', 'yes');
  for (const listen of children(graphics, 'listen')) if (listen.getAttribute('type') === 'socket') listen.removeAttribute('socket');
}

function setText(document: Document, name: string, text: string): void {
  const domain = domainOf(document);
  const known = child(domain, name);
  const element = known ?? document.createElement(name);
  element.textContent = text;
  if (known === undefined) domain.insertBefore(element, domain.firstChild);
}

function remove(parent: Element, name: string): void {
  for (const element of children(parent, name)) parent.removeChild(element);
}
