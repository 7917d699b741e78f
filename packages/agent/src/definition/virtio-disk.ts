import { child, children, domainOf, parse, print } from './xml-nodes.js';

/** A volume's head as a disk. `likeXml`: the machine, whose other disks say how it wants its disks. */
export interface NewDisk {
  readonly volumeId: string;
  readonly target: string;
  readonly path: string;
  readonly format: string;
  readonly likeXml: string;
}

/** virtio-blk gives the guest no more of a serial. */
const SERIAL_CHARACTERS = 20;
/** What one disk of a machine has and the next should: how the host caches it, and whether the guest may give blocks back. */
const INHERITED = ['cache', 'io', 'discard', 'detect_zeroes'] as const;
const LAYER_NAME = /\/volume-([0-9a-f-]{36})\.[0-9]+\.qcow2$/;

/** libvirt's XML of a virtio disk, without an address: libvirt takes the next free one. */
export function virtioDiskXml({ volumeId, target, path, format, likeXml }: NewDisk): string {
  const document = parse('<disk type="file" device="disk"><driver name="qemu"/><source/><target bus="virtio"/><serial/></disk>');
  const disk = domainOf(document);
  const driver = child(disk, 'driver');
  driver?.setAttribute('type', format);
  for (const [name, value] of driverOptions(likeXml)) driver?.setAttribute(name, value);
  child(disk, 'source')?.setAttribute('file', path);
  child(disk, 'target')?.setAttribute('dev', target);
  const serial = child(disk, 'serial');
  if (serial !== undefined) serial.textContent = serialFor(volumeId, likeXml);
  return print(document);
}

/** The element of one disk of a definition, as detaching wants it; null if it has no such disk. */
export function diskXmlOf(xml: string, target: string): string | null {
  const document = parse(xml);
  const devices = child(domainOf(document), 'devices');
  const found = devices === undefined ? [] : children(devices, 'disk');
  const disk = found.find((one) => child(one, 'target')?.getAttribute('dev') === target);
  if (disk === undefined) return null;
  const alone = parse('<disk/>');
  alone.replaceChild(alone.importNode(disk, true), domainOf(alone));
  return print(alone);
}

function driverOptions(xml: string): [string, string][] {
  const devices = child(domainOf(parse(xml)), 'devices');
  const disks = devices === undefined ? [] : children(devices, 'disk');
  const like = disks.find((disk) => (disk.getAttribute('device') ?? 'disk') === 'disk' && child(disk, 'source') !== undefined);
  const driver = like === undefined ? undefined : child(like, 'driver');
  return INHERITED.flatMap((name): [string, string][] => {
    const value = driver?.getAttribute(name) ?? null;
    return value === null || value === '' ? [] : [[name, value]];
  });
}

/** The volume's uuid as far as virtio-blk carries it; whole where the machine's other disks have theirs whole, as OpenStack gives them. */
function serialFor(volumeId: string, likeXml: string): string {
  const devices = child(domainOf(parse(likeXml)), 'devices');
  const hasWhole = (devices === undefined ? [] : children(devices, 'disk')).some((disk) => {
    const volume = LAYER_NAME.exec(child(disk, 'source')?.getAttribute('file') ?? '')?.[1];
    return volume !== undefined && child(disk, 'serial')?.textContent === volume;
  });
  return hasWhole ? volumeId : volumeId.replaceAll('-', '').slice(0, SERIAL_CHARACTERS);
}
