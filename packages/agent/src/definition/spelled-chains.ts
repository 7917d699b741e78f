import type { Element } from '@xmldom/xmldom';
import { child, children, domainOf, parse } from './xml-nodes.js';

/** libvirt opens no chain that is longer (QEMU_DOMAIN_STORAGE_SOURCE_CHAIN_MAX_DEPTH). */
const MAX_DEPTH = 200;

/** The files of each disk by target, head first, as the definition spells the chain out; of a live one that is what libvirt opened. */
export function spelledChains(xml: string): Map<string, string[]> {
  const devices = child(domainOf(parse(xml)), 'devices');
  const disks = devices === undefined ? [] : children(devices, 'disk');
  return new Map(disks.map((disk) => [child(disk, 'target')?.getAttribute('dev') ?? '', chainOf(disk)]));
}

function chainOf(disk: Element): string[] {
  const files: string[] = [];
  for (let link: Element | undefined = disk; link !== undefined && files.length < MAX_DEPTH; link = child(link, 'backingStore')) {
    const file = child(link, 'source')?.getAttribute('file');
    if (file === undefined || file === null) break;
    files.push(file);
  }
  return files;
}
