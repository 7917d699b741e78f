import { expect, it } from 'vitest';
import { seenDisk, seenLayer, seenMachine } from '../testing/inventory.js';
import { compareDisks, findStrangeThings } from './compare-inventory.js';

const recorded = [
  {
    volumeId: 'v',
    target: 'vda',
    chain: [
      { pool: 'pool', fileName: 'b' },
      { pool: 'pool', fileName: 'a' },
    ],
  },
];
const codes = (findings: { code: string }[]) => findings.map((finding) => finding.code);

it('finds nothing where the host has what is recorded, whatever lies in its drives', () => {
  const seen = seenMachine([
    seenDisk('vda', [seenLayer('b'), seenLayer('a')]),
    seenDisk('sda', [seenLayer('x', { pool: null, format: 'iso' })], { device: 'cdrom' }),
  ]);
  expect([...compareDisks(recorded, seen), ...findStrangeThings(seen)]).toEqual([]);
});

it('sees a layer that is new, gone, exchanged, or in another pool', () => {
  const chains = [
    [seenLayer('c'), seenLayer('b'), seenLayer('a')],
    [seenLayer('b')],
    [seenLayer('a'), seenLayer('b')],
    [seenLayer('b', { pool: 'other' }), seenLayer('a')],
  ];
  for (const chain of chains) expect(codes(compareDisks(recorded, seenMachine([seenDisk('vda', chain)])))).toEqual(['CHAIN_DIFFERS']);
});

it('sees disks that came and went', () => {
  expect(codes(compareDisks(recorded, seenMachine([])))).toEqual(['DISK_MISSING']);
  expect(codes(compareDisks([], seenMachine([seenDisk('vda', [seenLayer('a')])])))).toEqual(['DISK_UNKNOWN']);
});

it('names what other tools left', () => {
  const seen = seenMachine(
    [
      seenDisk('vda', [seenLayer('a', { internalSnapshots: 2 }), seenLayer('/elsewhere/b', { pool: null })], {
        persistentFileName: 'other',
      }),
      seenDisk('vdb', [seenLayer('c', { format: 'vmdk' })], { problem: 'the chain is longer than 256' }),
    ],
    { libvirtSnapshots: ['s1'], persistent: false, hasManagedSave: true },
  );
  expect(codes(findStrangeThings(seen))).toEqual([
    'LIBVIRT_SNAPSHOTS',
    'NOT_PERSISTENT',
    'MANAGED_SAVE',
    'DEFINITION_DIFFERS',
    'INTERNAL_SNAPSHOTS',
    'OUTSIDE_POOLS',
    'CHAIN_UNREADABLE',
    'IMAGE_UNSUPPORTED',
  ]);
});

it('counts in words that fit the number', () => {
  const over = (count: number) => Array.from({ length: count }, (_, n) => seenLayer(`new-${n}`));
  const said = (count: number) =>
    compareDisks(recorded, seenMachine([seenDisk('vda', [...over(count), seenLayer('b'), seenLayer('a')])]))[0]?.message;
  expect(said(1)).toContain('has 1 layer over');
  expect(said(2)).toContain('has 2 layers over');
});
