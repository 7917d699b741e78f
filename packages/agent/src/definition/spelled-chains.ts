import type { Element } from '@xmldom/xmldom';
import { child, children, domainOf, parse } from './xml-nodes.js';

/** libvirt opens no chain that is longer (QEMU_DOMAIN_STORAGE_SOURCE_CHAIN_MAX_DEPTH). */
const MAX_DEPTH = 200;

/**
 * A disk's chain as the definition spells it out, head first. `isClosed`: it also says where the chain ends, and libvirt believes it; else
 * libvirt reads the rest from the headers (kvm.md §3).
 */
export interface SpelledChain {
  readonly target: string;
  readonly files: readonly string[];
  readonly isClosed: boolean;
}

/** The files of each disk by target, head first, as the definition spells the chain out; of a live one that is what libvirt opened. */
export function spelledChains(xml: string): Map<string, readonly string[]> {
  return new Map(spelledChainsWithEnds(xml).map(({ target, files }) => [target, files]));
}

/** Of every disk with a file. The definition inside a managed save image, for one, carries every chain to its end. */
export function spelledChainsWithEnds(xml: string): SpelledChain[] {
  const devices = child(domainOf(parse(xml)), 'devices');
  const disks = devices === undefined ? [] : children(devices, 'disk');
  return disks.flatMap((disk) => {
    const file = fileOf(disk);
    if (file === null) return [];
    const below = chainBelow(disk);
    return [{ target: child(disk, 'target')?.getAttribute('dev') ?? '', files: [file, ...below.files], isClosed: below.isClosed }];
  });
}

function chainBelow(layer: Element): Pick<SpelledChain, 'files' | 'isClosed'> {
  const files: string[] = [];
  for (let next = child(layer, 'backingStore'); next !== undefined && files.length < MAX_DEPTH; next = child(next, 'backingStore')) {
    const file = fileOf(next);
    if (file === null) return { files, isClosed: true };
    files.push(file);
  }
  return { files, isClosed: false };
}

function fileOf(layer: Element): string | null {
  return child(layer, 'source')?.getAttribute('file') ?? null;
}
