import { CHAIN_LIMIT } from '@coppice/snapshot-tree';
import { expect, it } from 'vitest';
import {
  codeOf,
  someFacts,
  someHost,
  someLayer,
  someLayerRow,
  somePrincipal,
  someProject,
  someVolume,
} from '../../testing/machine-facts.js';
import type { MachineFacts } from '../../machines/machine-facts.store.js';
import { createStarter } from './create-vm-snapshot.store.js';
import type { CreateVmSnapshotRequest } from './create-vm-snapshot.contract.js';
import { decideCreate } from './decide-create.js';

function request(changed: Partial<CreateVmSnapshotRequest> = {}): CreateVmSnapshotRequest {
  return {
    virtualMachineId: 'm',
    name: null,
    description: null,
    kind: 'DISK',
    quiesce: false,
    volumeIds: null,
    planHash: null,
    idempotencyKey: null,
    ...changed,
  };
}

type Changes = Parameters<typeof someFacts>[0] & { length?: number; pool?: NonNullable<Parameters<typeof someVolume>[0]>['pool'] };

/** The facts, on a chain of `length` layers. */
function facts({ length = 1, pool = {}, ...changed }: Changes = {}): MachineFacts {
  const layers = Array.from({ length }, (_, n) => someLayer(`l${n}`, { backingLayerId: n === 0 ? null : `l${n - 1}` }));
  const volumes = [someVolume({ headLayerId: `l${length - 1}`, nextLayerNumber: length, pool })];
  return someFacts({ layers, volumes, ...changed });
}

function answerTo(asked: CreateVmSnapshotRequest, seen: MachineFacts, by = somePrincipal('OPERATOR')): string {
  const access = createStarter.access(by, seen);
  return codeOf(access.ok ? decideCreate(asked, seen) : access);
}

it('decides for a running, paused or stopped machine, and names what has no name', () => {
  const decided = decideCreate(request(), facts({ snapshotsEver: 2, names: new Set(['snapshot-3']) }));
  expect(decided).toMatchObject({ ok: true, value: { name: 'snapshot-4', power: 'ON', quiesce: false } });
  expect(answerTo(request(), facts({ machine: { state: 'PAUSED', powerState: 'PAUSED' } }))).toBe('done');
  const off = decideCreate(request({ quiesce: true }), facts({ machine: { state: 'STOPPED', powerState: 'OFF' } }));
  expect(off).toMatchObject({ ok: true, value: { power: 'OFF', quiesce: false } });
});

it('keeps to the project first, whatever else is wrong', () => {
  const busy = facts({ holder: 'o' });
  expect(answerTo(request(), busy, somePrincipal(null))).toBe('NOT_FOUND');
  expect(answerTo(request(), busy, somePrincipal('VIEWER'))).toBe('FORBIDDEN');
  expect(answerTo(request(), busy, somePrincipal(null, true))).toBe('MACHINE_BUSY');
  expect(answerTo(request(), facts({ machine: { projectId: null, project: null } }), somePrincipal('OPERATOR', true))).toBe('NOT_FOUND');
});

it.each<[string, CreateVmSnapshotRequest, MachineFacts]>([
  ['INVALID_INPUT', request({ name: '' }), facts()],
  ['INVALID_INPUT', request({ name: 'x'.repeat(256) }), facts()],
  ['INVALID_INPUT', request({ name: 'a\nb' }), facts()],
  ['INVALID_INPUT', request({ volumeIds: [] }), facts()],
  ['done', request({ name: '😀'.repeat(255) }), facts()],
  ['done', request({ kind: 'DISK_AND_MEMORY' }), facts()],
  ['done', request({ kind: 'DISK_AND_MEMORY', volumeIds: ['v'] }), facts()],
  ['INVALID_INPUT', request({ kind: 'DISK_AND_MEMORY', quiesce: true }), facts()],
  ['INVALID_INPUT', request({ kind: 'DISK_AND_MEMORY', volumeIds: ['w'] }), facts()],
  ['MACHINE_STATE', request({ kind: 'DISK_AND_MEMORY' }), facts({ machine: { state: 'STOPPED', powerState: 'OFF' } })],
  ['MACHINE_STATE', request({ kind: 'DISK_AND_MEMORY' }), facts({ machine: { state: 'PAUSED', powerState: 'PAUSED' } })],
  [
    'CAPABILITY_DISABLED',
    request({ kind: 'DISK_AND_MEMORY' }),
    facts({ capabilities: [{ name: 'vm-snapshot.memory', available: false, reason: 'not here' }] }),
  ],
  [
    'INSUFFICIENT_SPACE',
    request({ kind: 'DISK_AND_MEMORY' }),
    facts({ machine: { memoryBytes: 1n << 30n }, pool: { availableBytes: 1n << 30n } }),
  ],
  ['done', request(), facts({ machine: { memoryBytes: 1n << 30n }, pool: { availableBytes: 1n << 30n } })],
  ['NAME_TAKEN', request({ name: 'a' }), facts({ names: new Set(['a']) })],
  ['MACHINE_BUSY', request({ name: 'a' }), facts({ names: new Set(['a']), holder: 'o' })],
  ['MACHINE_BUSY', request(), facts({ machine: { state: 'SNAPSHOTTING' } })],
  ['MACHINE_BUSY', request(), facts({ layerRows: [someLayerRow('l', { mergeState: 'REPOINTED', mergedBy: 'o' })] })],
  ['QUOTA_EXCEEDED', request(), facts({ machine: { project: someProject({ quotaVmSnapshots: 3 }) }, snapshotsOfProject: 3 })],
  ['MIXED_SNAPSHOT_KINDS', request(), facts({ driftCodes: ['LIBVIRT_SNAPSHOTS', 'INTERNAL_SNAPSHOTS'] })],
  ['MACHINE_DRIFTED', request(), facts({ driftCodes: ['LIBVIRT_SNAPSHOTS'] })],
  ['MACHINE_DRIFTED', request(), facts({ driftCodes: ['CHAIN_DIFFERS'] })],
  ['MACHINE_STATE', request(), facts({ machine: { state: 'UNKNOWN', powerState: 'UNKNOWN' } })],
  ['HOST_UNAVAILABLE', request(), facts({ machine: { host: someHost({ state: 'DISCONNECTED' }) } })],
  ['CAPABILITY_DISABLED', request(), facts({ capabilities: [{ name: 'vm-snapshot.disk', available: false, reason: 'too old' }] })],
  ['CAPABILITY_DISABLED', request(), facts({ machine: { host: someHost({ disabledCapabilities: ['vm-snapshot.disk'] }) } })],
  [
    'CAPABILITY_DISABLED',
    request({ quiesce: true }),
    facts({ machine: { host: someHost({ disabledCapabilities: ['vm-snapshot.quiesce'] }) } }),
  ],
  ['done', request(), facts({ machine: { host: someHost({ disabledCapabilities: ['vm-snapshot.quiesce'] }) } })],
  ['GUEST_AGENT_UNAVAILABLE', request({ quiesce: true }), facts({ machine: { guestAgent: 'DISCONNECTED' } })],
  ['GUEST_AGENT_UNAVAILABLE', request({ quiesce: true }), facts({ machine: { state: 'PAUSED', powerState: 'PAUSED' } })],
  ['NOT_FOUND', request({ volumeIds: ['elsewhere'] }), facts()],
  ['MACHINE_STATE', request(), facts({ volumes: [] })],
  ['CHAIN_TOO_LONG', request(), facts({ length: CHAIN_LIMIT })],
  ['done', request(), facts({ length: CHAIN_LIMIT - 2 })],
  ['POOL_UNSUPPORTED', request(), facts({ pool: { type: 'RBD' } })],
  ['INSUFFICIENT_SPACE', request(), facts({ pool: { availableBytes: 1n } })],
  ['PLAN_CHANGED', request({ planHash: 'another' }), facts()],
])('answers %s', (code, asked, seen) => {
  expect(answerTo(asked, seen)).toBe(code);
});

it('saves memory before it freezes the disks, says how much that may be, and warns of nothing', () => {
  const planned = decideCreate(request({ kind: 'DISK_AND_MEMORY' }), facts({ machine: { memoryBytes: 256n } }));
  if (!planned.ok) throw new Error('refused');
  expect(planned.value).toMatchObject({ kind: 'DISK_AND_MEMORY', quiesce: false, plan: { plan: { warnings: [] } } });
  const { steps, bytesToMove } = planned.value.plan.plan;
  expect(bytesToMove).toBe(256);
  expect(steps.filter((step) => step.bytesToMove > 0)).toMatchObject([{ kind: 'SAVE_MEMORY', bytesToMove: 256 }]);
  const kinds = steps.map((step) => step.kind);
  expect(kinds).toEqual(['CREATE_LAYER', 'SAVE_MEMORY', 'FREEZE_LAYER', 'SAVE_DEFINITION', 'VERIFY_CHAIN']);
});

it('has a hash of steps and targets that a mutation can hold it to', () => {
  const planned = decideCreate(request(), facts());
  if (!planned.ok) throw new Error('refused');
  expect(answerTo(request({ planHash: planned.value.hash }), facts())).toBe('done');
  expect(answerTo(request({ planHash: planned.value.hash }), facts({ length: 2 }))).toBe('PLAN_CHANGED');
});
