import type { InventoryDisk, InventoryLayer, InventoryMachine } from '@coppice/protocol';
import { expect, it } from 'vitest';
import { codeOf, someFacts, someLayer } from '../../testing/machine-facts.js';
import { decideReconcile } from './decide-reconcile.js';
import { type AdoptableDisk, planAdoption } from './plan-adoption.js';

const recorded: AdoptableDisk[] = [
  {
    volumeId: 'v',
    target: 'vda',
    pool: 'pool',
    chain: [
      { pool: 'pool', fileName: 'b' },
      { pool: 'pool', fileName: 'a' },
    ],
  },
];

function layer(fileName: string, changed: Partial<InventoryLayer> = {}): InventoryLayer {
  return { pool: 'pool', fileName, format: 'qcow2', virtualBytes: 64, allocatedBytes: 1, internalSnapshots: 0, ...changed };
}

function disk(target: string, chain: InventoryLayer[], changed: Partial<InventoryDisk> = {}): InventoryDisk {
  return { target, device: 'disk', readOnly: false, serial: null, chain, persistentFileName: null, problem: null, ...changed };
}

function seen(...disks: InventoryDisk[]): InventoryMachine {
  return {
    uuid: '00000000-0000-4000-8000-000000000000',
    name: 'web-1',
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
  };
}

const sound = [layer('b'), layer('a')];

it('takes over layers on top, from the lowest up', () => {
  const planned = planAdoption(recorded, seen(disk('vda', [layer('d'), layer('c'), ...sound])));
  expect(planned.ok && planned.value.grown[0]?.layers.map((one) => one.fileName)).toEqual(['c', 'd']);
  expect(planned.ok && [planned.value.detached, planned.value.found]).toEqual([[], []]);
});

it('takes over disks that came, lets go of those that went, and does both for an exchanged one', () => {
  const came = planAdoption(recorded, seen(disk('vda', sound), disk('vdb', [layer('x')])));
  expect(came.ok && came.value.found.map((one) => one.target)).toEqual(['vdb']);
  const went = planAdoption(recorded, seen());
  expect(went.ok && went.value.detached).toEqual([{ volumeId: 'v', target: 'vda' }]);
  const exchanged = planAdoption(recorded, seen(disk('vda', [layer('x')])));
  expect(exchanged.ok && exchanged.value).toMatchObject({ detached: [{ volumeId: 'v', target: 'vda' }], found: [{ target: 'vda' }] });
});

it('does not adopt where what snapshots read may have changed, or where a file is not one to look after', () => {
  const chains = [
    [layer('a')],
    [layer('c'), layer('a')],
    [layer('a'), layer('b')],
    [layer('c', { pool: 'other' }), ...sound],
    [layer('c', { format: 'raw' }), ...sound],
    [layer('c', { pool: null }), ...sound],
    [layer('c', { internalSnapshots: 1 }), ...sound],
    [],
  ];
  for (const chain of chains) expect(codeOf(planAdoption(recorded, seen(disk('vda', chain))))).toBe('MACHINE_DRIFTED');
  expect(codeOf(planAdoption(recorded, seen(disk('vda', sound, { problem: 'it cannot be read' }))))).toBe('MACHINE_DRIFTED');
});

it('leaves installation media alone', () => {
  const iso = disk('sda', [layer('x', { pool: null, format: 'iso' })], { device: 'cdrom', readOnly: true });
  const planned = planAdoption(recorded, seen(disk('vda', sound), iso));
  expect(planned.ok && planned.value).toEqual({ grown: [], detached: [], found: [] });
});

function drifted(codes: string[], machine: object = {}) {
  const findings = codes.map((code) => ({ code, message: `${code}.`, volumeId: null, path: null, repairable: true }));
  const { fileName } = someLayer('l0');
  const drift = { detectedAt: new Date(0).toISOString(), findings, seen: seen(disk('vda', [layer('top'), layer(fileName)])), seenOn: null };
  return someFacts({ driftCodes: codes, machine: { drift, ...machine } });
}

it('repairs a stopped machine, and of a running one only what needs no stop', () => {
  const off = { state: 'STOPPED', powerState: 'OFF' };
  expect(codeOf(decideReconcile('REPAIR', drifted(['CHAIN_DIFFERS'])))).toBe('MACHINE_STATE');
  expect(codeOf(decideReconcile('REPAIR', drifted(['CHAIN_DIFFERS'], off)))).toBe('done');
  expect(codeOf(decideReconcile('REPAIR', drifted(['DEFINITION_DIFFERS'])))).toBe('done');
  expect(codeOf(decideReconcile('REPAIR', drifted(['DISK_UNKNOWN'], off)))).toBe('MACHINE_DRIFTED');
  const saved = decideReconcile('REPAIR', drifted(['MANAGED_SAVE'], off));
  expect(saved.ok && saved.value).toMatchObject({ dropManagedSave: true, dropLibvirtSnapshots: false });
  const adopted = decideReconcile('ADOPT', drifted(['LIBVIRT_SNAPSHOTS', 'CHAIN_DIFFERS']));
  expect(adopted.ok && adopted.value).toMatchObject({
    dropManagedSave: false,
    dropLibvirtSnapshots: true,
    adoption: { grown: [{ volumeId: 'v' }] },
  });
});

it('reconciles nothing that is sound, mixed, or not shown', () => {
  expect(codeOf(decideReconcile('ADOPT', someFacts()))).toBe('MACHINE_STATE');
  expect(codeOf(decideReconcile('ADOPT', drifted(['INTERNAL_SNAPSHOTS'])))).toBe('MIXED_SNAPSHOT_KINDS');
  const drift = { detectedAt: '', findings: [{ code: 'DATABASE_RESTORED', message: 'm', volumeId: null, path: null, repairable: true }] };
  expect(codeOf(decideReconcile('ADOPT', someFacts({ driftCodes: ['DATABASE_RESTORED'], machine: { drift } })))).toBe('MACHINE_DRIFTED');
});
