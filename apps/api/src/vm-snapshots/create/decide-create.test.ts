import { CHAIN_LIMIT, type Layer } from '@coppice/snapshot-tree';
import { expect, it } from 'vitest';
import type { Principal } from '../../access/principal.js';
import type { MachineFacts } from '../../machines/machine-facts.store.js';
import { createStarter } from './create-vm-snapshot.store.js';
import type { CreateVmSnapshotRequest } from './create-vm-snapshot.contract.js';
import { decideCreate } from './decide-create.js';

const projectId = '00000000-0000-7000-8000-00000000000a';
const at = new Date(0);

function principal(changed: Partial<Principal> = {}): Principal {
  return {
    tokenId: 't',
    key: 'token:t',
    actor: { kind: 'TOKEN', name: 't', userId: null },
    email: 't',
    userId: null,
    expiresAt: null,
    isAdmin: false,
    roles: new Map([[projectId, 'OPERATOR']]),
    ...changed,
  };
}

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

function chain(length: number): Layer[] {
  return Array.from({ length }, (_, n) => ({
    id: `l${n}`,
    volumeId: 'v',
    fileName: `volume-v.${n}.qcow2`,
    format: 'qcow2',
    backingLayerId: n === 0 ? null : `l${n - 1}`,
    virtualBytes: 64,
    allocatedBytes: 1,
    isTemplate: false,
    data: null,
    isSpoiled: false,
  }));
}

const pool: MachineFacts['volumes'][number]['pool'] = {
  id: 'p',
  name: 'pool',
  type: 'SHARED_MOUNT_POINT',
  clusterId: 'c',
  hostId: null,
  createdAt: at,
  capacityBytes: null,
  availableBytes: null,
};
const host: MachineFacts['machine']['host'] = {
  id: 'h',
  name: 'h1',
  clusterId: 'c',
  state: 'UP',
  lastSeenAt: at,
  agentVersion: null,
  libvirtVersion: null,
  qemuVersion: null,
  capabilities: [],
  disabledCapabilities: [],
  enrolmentTokenHash: null,
  enrolmentExpiresAt: null,
  publicKey: null,
  migrationUri: null,
  journalId: null,
  acknowledgedPosition: 0n,
  sessionEpoch: 1n,
  sessionReplicaId: null,
  lastCommandNumber: 0n,
  createdAt: at,
};
const project: NonNullable<MachineFacts['machine']['project']> = {
  id: projectId,
  name: 'acme',
  createdAt: at,
  quotaVmSnapshots: null,
  quotaVolumeSnapshots: null,
  quotaSnapshotBytes: null,
};
const machine: MachineFacts['machine'] = {
  id: 'm',
  domainUuid: 'd',
  name: 'web-1',
  projectId,
  hostId: 'h',
  state: 'RUNNING',
  powerState: 'ON',
  guestAgent: 'CONNECTED',
  vcpus: 1,
  memoryBytes: 1n,
  currentSnapshotId: null,
  headSince: null,
  treeRevision: 0,
  epoch: 0n,
  drift: null,
  inventoryPosition: 0n,
  createdAt: at,
  host,
  project,
};

type Changes = Partial<Omit<MachineFacts, 'machine'>> & {
  machine?: Partial<MachineFacts['machine']>;
  length?: number;
  pool?: Partial<typeof pool>;
};

function facts({ machine: changedMachine, length = 1, pool: changedPool, ...changed }: Changes = {}): MachineFacts {
  const volume = { id: 'v', name: 'v', projectId, virtualMachineId: 'm', target: 'vda', poolId: 'p', virtualBytes: 64n };
  return {
    machine: { ...machine, ...changedMachine },
    volumes: [{ ...volume, headLayerId: `l${length - 1}`, nextLayerNumber: length, createdAt: at, pool: { ...pool, ...changedPool } }],
    layers: chain(length),
    poolNames: new Map([['v', 'pool']]),
    names: new Set<string>(),
    snapshotsEver: 0,
    otherVolumes: [],
    layerRows: [],
    pins: [],
    heads: [],
    snapshots: [],
    snapshotsOfProject: null,
    driftCodes: null,
    capabilities: [],
    holder: null,
    destination: null,
    garbage: [],
    garbageFiles: [],
    ...changed,
  };
}

function codeOf(asked: CreateVmSnapshotRequest, seen: MachineFacts, by = principal()): string {
  const access = createStarter.access(by, seen);
  const decided = access.ok ? decideCreate(asked, seen) : access;
  return decided.ok ? 'done' : decided.refusals[0].code;
}

it('decides for a running, paused or stopped machine, and names what has no name', () => {
  const decided = decideCreate(request(), facts({ snapshotsEver: 2, names: new Set(['snapshot-3']) }));
  expect(decided).toMatchObject({ ok: true, value: { name: 'snapshot-4', power: 'ON', quiesce: false } });
  expect(codeOf(request(), facts({ machine: { state: 'PAUSED', powerState: 'PAUSED' } }))).toBe('done');
  const off = decideCreate(request({ quiesce: true }), facts({ machine: { state: 'STOPPED', powerState: 'OFF' } }));
  expect(off).toMatchObject({ ok: true, value: { power: 'OFF', quiesce: false } });
});

it('keeps to the project first, whatever else is wrong', () => {
  const busy = facts({ holder: 'o' });
  expect(codeOf(request(), busy, principal({ roles: new Map() }))).toBe('NOT_FOUND');
  expect(codeOf(request(), busy, principal({ roles: new Map([[projectId, 'VIEWER']]) }))).toBe('FORBIDDEN');
  expect(codeOf(request(), busy, principal({ roles: new Map(), isAdmin: true }))).toBe('MACHINE_BUSY');
  expect(codeOf(request(), facts({ machine: { projectId: null, project: null } }), principal({ isAdmin: true }))).toBe('NOT_FOUND');
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
  ['QUOTA_EXCEEDED', request(), facts({ machine: { project: { ...project, quotaVmSnapshots: 3 } }, snapshotsOfProject: 3 })],
  ['MIXED_SNAPSHOT_KINDS', request(), facts({ driftCodes: ['LIBVIRT_SNAPSHOTS', 'INTERNAL_SNAPSHOTS'] })],
  ['MACHINE_DRIFTED', request(), facts({ driftCodes: ['LIBVIRT_SNAPSHOTS'] })],
  ['MACHINE_DRIFTED', request(), facts({ driftCodes: ['CHAIN_DIFFERS'] })],
  ['MACHINE_STATE', request(), facts({ machine: { state: 'UNKNOWN', powerState: 'UNKNOWN' } })],
  ['HOST_UNAVAILABLE', request(), facts({ machine: { host: { ...host, state: 'DISCONNECTED' } } })],
  ['CAPABILITY_DISABLED', request(), facts({ capabilities: [{ name: 'vm-snapshot.disk', available: false, reason: 'too old' }] })],
  ['CAPABILITY_DISABLED', request(), facts({ machine: { host: { ...host, disabledCapabilities: ['vm-snapshot.disk'] } } })],
  [
    'CAPABILITY_DISABLED',
    request({ quiesce: true }),
    facts({ machine: { host: { ...host, disabledCapabilities: ['vm-snapshot.quiesce'] } } }),
  ],
  ['done', request(), facts({ machine: { host: { ...host, disabledCapabilities: ['vm-snapshot.quiesce'] } } })],
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
  expect(codeOf(asked, seen)).toBe(code);
});

it('saves memory before it freezes the disks, and warns of nothing', () => {
  const planned = decideCreate(request({ kind: 'DISK_AND_MEMORY' }), facts());
  if (!planned.ok) throw new Error('refused');
  expect(planned.value).toMatchObject({ kind: 'DISK_AND_MEMORY', quiesce: false, plan: { plan: { warnings: [] } } });
  const kinds = planned.value.plan.plan.steps.map((step) => step.kind);
  expect(kinds).toEqual(['CREATE_LAYER', 'SAVE_MEMORY', 'FREEZE_LAYER', 'SAVE_DEFINITION', 'VERIFY_CHAIN']);
});

it('has a hash of steps and targets that a mutation can hold it to', () => {
  const planned = decideCreate(request(), facts());
  if (!planned.ok) throw new Error('refused');
  expect(codeOf(request({ planHash: planned.value.hash }), facts())).toBe('done');
  expect(codeOf(request({ planHash: planned.value.hash }), facts({ length: 2 }))).toBe('PLAN_CHANGED');
});
