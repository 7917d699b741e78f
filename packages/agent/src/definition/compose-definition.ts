/**
 * The definition that a revert gives a machine: the snapshot's, on the new heads, with the disks that stay attached as they are now, under
 * the machine's present name. Must never name a frozen layer: what the snapshot's definition names is replaced or left out.
 */
import type { Document, Element } from '@xmldom/xmldom';
import { diskOf, type FileSource, forgetChain, putOn } from './domain-xml.js';
import { child, children, domainOf, parse, print, textOf } from './xml-nodes.js';

/** `sources`: disks on new files. `keptTargets`: disks that are to be as `presentXml` has them, whatever `recordedXml` says. */
export interface Composition {
  readonly recordedXml: string;
  readonly presentXml: string;
  readonly sources: ReadonlyMap<string, FileSource>;
  readonly keptTargets: readonly string[];
}

/** The persistent definition. Throws if it would be another machine's, or if a disk that is named is not there. */
export function composeDefinition(composition: Composition): string {
  const document = parse(composition.recordedXml);
  const present = parse(composition.presentXml);
  takeIdentity(document, present);
  const devices = devicesOf(document);
  const presentDisks = disksByTarget(present);
  const missing = new Set(composition.sources.keys());
  for (const [target, disk] of disksByTarget(document)) {
    forgetChain(disk);
    const source = composition.sources.get(target);
    if (source !== undefined) {
      if (putOn(disk, source)) missing.delete(target);
    } else if (composition.keptTargets.includes(target) || isManaged(disk)) {
      devices.removeChild(disk);
    }
  }
  if (missing.size > 0) throw new Error(`the recorded definition has no disk with a source at ${[...missing].join(', ')}`);
  for (const target of composition.keptTargets) {
    const kept = presentDisks.get(target);
    if (kept === undefined) throw new Error(`the machine has no disk ${target} that could be kept`);
    addKept(document, devices, kept);
  }
  return print(document);
}

/**
 * The live definition that saved memory is restored with. Devices are part of the memory, so nothing is left out or added: a disk that is
 * neither on a new head nor kept makes it throw.
 */
export function composeLiveDefinition(composition: Composition): string {
  const document = parse(composition.recordedXml);
  const present = parse(composition.presentXml);
  takeIdentity(document, present);
  const presentDisks = disksByTarget(present);
  const disks = disksByTarget(document);
  for (const target of composition.sources.keys()) if (!disks.has(target)) throw new Error(`the saved memory knows no disk ${target}`);
  for (const [target, disk] of disks) {
    forgetChain(disk);
    const kept = composition.keptTargets.includes(target) ? presentDisks.get(target) : undefined;
    const source = composition.sources.get(target) ?? (kept === undefined ? undefined : sourceOf(kept));
    if (source !== undefined) putOn(disk, source);
    else if (isManaged(disk)) throw new Error(`the saved memory has a disk ${target} that is not reverted with it`);
  }
  return print(document);
}

/** Name and NVRAM are the machine's present ones. Throws if the uuid is another. */
function takeIdentity(document: Document, present: Document): void {
  const [domain, own] = [domainOf(document), domainOf(present)];
  if (textOf(domain, 'uuid') !== textOf(own, 'uuid')) throw new Error(`it is the definition of machine ${textOf(domain, 'uuid')}`);
  const name = child(domain, 'name');
  if (name !== undefined) name.textContent = textOf(own, 'name');
  const nvram = child(child(domain, 'os') ?? domain, 'nvram');
  const ownPath = textOf(child(own, 'os') ?? own, 'nvram');
  if (nvram !== undefined && ownPath !== '') nvram.textContent = ownPath;
}

/** The disk as it is, after the others. Its place on the bus may have been another device's at the time: then libvirt gives it a new one. */
function addKept(document: Document, devices: Element, disk: Element): void {
  const kept = document.importNode(disk, true);
  forgetChain(kept);
  const taken = new Set(Array.from(devices.childNodes).flatMap((node) => (isElement(node) ? placesOf(node) : [])));
  const address = child(kept, 'address');
  if (address !== undefined && placesOf(kept).some((place) => taken.has(place))) kept.removeChild(address);
  devices.insertBefore(kept, children(devices, 'disk').at(-1)?.nextSibling ?? null);
}

function placesOf(device: Element): string[] {
  return children(device, 'address').map((address) =>
    ['type', 'domain', 'bus', 'slot', 'function', 'controller', 'target', 'unit'].map((name) => address.getAttribute(name) ?? '').join(' '),
  );
}

function disksByTarget(document: Document): Map<string, Element> {
  const disks = children(devicesOf(document), 'disk');
  return new Map(disks.map((disk) => [diskOf(disk).target, disk]));
}

function devicesOf(document: Document): Element {
  const devices = child(domainOf(document), 'devices');
  if (devices === undefined) throw new Error('the definition has no devices');
  return devices;
}

/** Drives for media and read-only disks are nobody's volume, and stay as they were recorded. */
function isManaged(disk: Element): boolean {
  const { device, isReadOnly } = diskOf(disk);
  return device === 'disk' && !isReadOnly;
}

function sourceOf(disk: Element): FileSource | undefined {
  const { file, format } = diskOf(disk);
  return file === null ? undefined : { path: file, format };
}

function isElement(node: unknown): node is Element {
  return typeof node === 'object' && node !== null && 'nodeType' in node && node.nodeType === 1;
}
