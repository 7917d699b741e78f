import type { InventoryDisk } from '@coppice/protocol';
import { expect, it } from 'vitest';
import { seenDisk, seenLayer, seenMachine } from '../../testing/inventory.js';
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

const seen = (...disks: InventoryDisk[]) => seenMachine(disks);
const sound = [seenLayer('b'), seenLayer('a')];

it('takes over layers on top, from the lowest up', () => {
  const planned = planAdoption(recorded, seen(seenDisk('vda', [seenLayer('d'), seenLayer('c'), ...sound])));
  expect(planned.ok && planned.value.grown[0]?.layers.map((one) => one.fileName)).toEqual(['c', 'd']);
  expect(planned.ok && [planned.value.detached, planned.value.found]).toEqual([[], []]);
});

it('takes over disks that came, lets go of those that went, and does both for an exchanged one', () => {
  const came = planAdoption(recorded, seen(seenDisk('vda', sound), seenDisk('vdb', [seenLayer('x')])));
  expect(came.ok && came.value.found.map((one) => one.target)).toEqual(['vdb']);
  const went = planAdoption(recorded, seen());
  expect(went.ok && went.value.detached).toEqual([{ volumeId: 'v', target: 'vda' }]);
  const exchanged = planAdoption(recorded, seen(seenDisk('vda', [seenLayer('x')])));
  expect(exchanged.ok && exchanged.value).toMatchObject({ detached: [{ volumeId: 'v', target: 'vda' }], found: [{ target: 'vda' }] });
});

it('does not adopt where what snapshots read may have changed, or where a file is not one to look after', () => {
  const chains = [
    [seenLayer('a')],
    [seenLayer('c'), seenLayer('a')],
    [seenLayer('a'), seenLayer('b')],
    [seenLayer('c', { pool: 'other' }), ...sound],
    [seenLayer('c', { format: 'raw' }), ...sound],
    [seenLayer('c', { pool: null }), ...sound],
    [seenLayer('c', { internalSnapshots: 1 }), ...sound],
    [],
  ];
  for (const chain of chains) expect(codeOf(planAdoption(recorded, seen(seenDisk('vda', chain))))).toBe('MACHINE_DRIFTED');
  expect(codeOf(planAdoption(recorded, seen(seenDisk('vda', sound, { problem: 'it cannot be read' }))))).toBe('MACHINE_DRIFTED');
});

it('leaves installation media alone', () => {
  const iso = seenDisk('sda', [seenLayer('x', { pool: null, format: 'iso' })], { device: 'cdrom', readOnly: true });
  const planned = planAdoption(recorded, seen(seenDisk('vda', sound), iso));
  expect(planned.ok && planned.value).toEqual({ grown: [], detached: [], found: [] });
});

function drifted(codes: string[], machine: object = {}) {
  const findings = codes.map((code) => ({ code, message: `${code}.`, volumeId: null, path: null, repairable: true }));
  const { fileName } = someLayer('l0');
  const drift = {
    detectedAt: new Date(0).toISOString(),
    findings,
    seen: seen(seenDisk('vda', [seenLayer('top'), seenLayer(fileName)])),
    seenOn: null,
  };
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
