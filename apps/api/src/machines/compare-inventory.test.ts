import type { InventoryDisk, InventoryLayer, InventoryMachine } from '@coppice/protocol';
import { expect, it } from 'vitest';
import { compareDisks, findStrangeThings } from './compare-inventory.js';

function layer(fileName: string, changed: Partial<InventoryLayer> = {}): InventoryLayer {
  return { pool: 'pool', fileName, format: 'qcow2', virtualBytes: 64, allocatedBytes: 1, internalSnapshots: 0, ...changed };
}

function disk(target: string, chain: InventoryLayer[], changed: Partial<InventoryDisk> = {}): InventoryDisk {
  return { target, device: 'disk', readOnly: false, serial: null, chain, persistentFileName: null, problem: null, ...changed };
}

function machine(disks: InventoryDisk[], changed: Partial<InventoryMachine> = {}): InventoryMachine {
  return {
    uuid: '00000000-0000-4000-8000-000000000000',
    name: 'm',
    power: 'ON',
    persistent: true,
    autostart: false,
    vcpus: 1,
    memoryBytes: 1,
    guestAgent: 'CONNECTED',
    hasManagedSave: false,
    libvirtSnapshots: [],
    checkpoints: [],
    disks,
    ...changed,
  };
}

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
  const seen = machine([
    disk('vda', [layer('b'), layer('a')]),
    disk('sda', [layer('x', { pool: null, format: 'iso' })], { device: 'cdrom' }),
  ]);
  expect([...compareDisks(recorded, seen), ...findStrangeThings(seen)]).toEqual([]);
});

it('sees a layer that is new, gone, exchanged, or in another pool', () => {
  const chains = [
    [layer('c'), layer('b'), layer('a')],
    [layer('b')],
    [layer('a'), layer('b')],
    [layer('b', { pool: 'other' }), layer('a')],
  ];
  for (const chain of chains) expect(codes(compareDisks(recorded, machine([disk('vda', chain)])))).toEqual(['CHAIN_DIFFERS']);
});

it('sees disks that came and went', () => {
  expect(codes(compareDisks(recorded, machine([])))).toEqual(['DISK_MISSING']);
  expect(codes(compareDisks([], machine([disk('vda', [layer('a')])])))).toEqual(['DISK_UNKNOWN']);
});

it('names what other tools left', () => {
  const seen = machine(
    [
      disk('vda', [layer('a', { internalSnapshots: 2 }), layer('/elsewhere/b', { pool: null })], { persistentFileName: 'other' }),
      disk('vdb', [layer('c', { format: 'vmdk' })], { problem: 'the chain is longer than 256' }),
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
