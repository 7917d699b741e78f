import type { InventoryDisk, InventoryLayer, InventoryMachine } from '@coppice/protocol';
import { expect, it } from 'vitest';
import { digestOf } from './digest.js';

const layer: InventoryLayer = {
  pool: 'pool',
  fileName: 'a.0.qcow2',
  format: 'qcow2',
  virtualBytes: 64,
  allocatedBytes: 8,
  internalSnapshots: 0,
};
const disk: InventoryDisk = {
  target: 'vda',
  device: 'disk',
  readOnly: false,
  serial: null,
  chain: [layer],
  persistentFileName: null,
  problem: null,
};
const machine: InventoryMachine = {
  uuid: 'b5f7a0de-1f4e-4b8c-9d0a-6f0c2d3e4f50',
  name: 'web-1',
  power: 'ON',
  persistent: true,
  autostart: false,
  vcpus: 1,
  memoryBytes: 64,
  guestAgent: 'CONNECTED',
  hasManagedSave: false,
  libvirtSnapshots: [],
  checkpoints: [],
  disks: [disk],
};

it('does not change with the bytes that a machine writes', () => {
  const grown = { ...machine, disks: [{ ...disk, chain: [{ ...layer, allocatedBytes: 9 }] }] };
  expect(digestOf(grown)).toBe(digestOf(machine));
});

it('changes with everything that somebody may do by hand', () => {
  const changed: InventoryMachine[] = [
    { ...machine, libvirtSnapshots: ['s1'] },
    { ...machine, guestAgent: 'DISCONNECTED' },
    { ...machine, disks: [] },
    { ...machine, disks: [{ ...disk, persistentFileName: 'b.0.qcow2' }] },
    { ...machine, disks: [{ ...disk, problem: 'there is no such file' }] },
    { ...machine, disks: [{ ...disk, chain: [{ ...layer, fileName: 'b.0.qcow2' }] }] },
    { ...machine, disks: [{ ...disk, chain: [{ ...layer, internalSnapshots: 1 }] }] },
    { ...machine, disks: [{ ...disk, chain: [layer, layer] }] },
  ];
  const digests = new Set([machine, ...changed].map((one) => digestOf(one)));
  expect(digests.size).toBe(changed.length + 1);
});
