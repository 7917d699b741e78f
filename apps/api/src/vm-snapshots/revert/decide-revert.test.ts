import { CHAIN_LIMIT, type Layer } from '@coppice/snapshot-tree';
import { describe, expect, it } from 'vitest';
import type { Principal } from '../../access/principal.js';
import type { MachineFacts } from '../../machines/machine-facts.store.js';
import { decideRevert, type RevertRequest } from './decide-revert.js';
import { revertStarter } from './revert.store.js';

const projectId = '00000000-0000-7000-8000-00000000000a';
const at = new Date(0);
const actor = { kind: 'TOKEN' as const, name: 't', userId: null };

function principal(role: 'VIEWER' | 'OPERATOR' | null, isAdmin = false): Principal {
  const roles = new Map(role === null ? [] : [[projectId, role] as const]);
  return { tokenId: 't', key: 'token:t', actor, email: 't', userId: null, expiresAt: null, isAdmin, roles };
}

function request(changed: Partial<RevertRequest> = {}): RevertRequest {
  return { snapshotId: 's1', virtualMachineId: 'm', snapshotFirst: false, start: false, planHash: null, idempotencyKey: null, ...changed };
}

/** `volume.n` over `volume.n-1`. */
function layer(volumeId: string, n: number, backing: number | null = n === 0 ? null : n - 1): Layer {
  return {
    id: `${volumeId}.${n}`,
    volumeId,
    fileName: `volume-${volumeId}.${n}.qcow2`,
    format: 'qcow2',
    backingLayerId: backing === null ? null : `${volumeId}.${backing}`,
    virtualBytes: 64,
    allocatedBytes: 1,
    isTemplate: false,
    data: null,
    isSpoiled: false,
  };
}

type Volume = MachineFacts['volumes'][number];
const pool: Volume['pool'] = {
  id: 'p',
  name: 'pool',
  type: 'SHARED_MOUNT_POINT',
  clusterId: 'c',
  hostId: null,
  createdAt: at,
  capacityBytes: null,
  availableBytes: null,
};

function volume(id: string, changed: Partial<Volume> = {}): Volume {
  const fixed = { id, name: id, projectId, poolId: 'p', virtualBytes: 64n, createdAt: at, pool };
  return { ...fixed, virtualMachineId: 'm', target: `vd${id}`, headLayerId: `${id}.1`, nextLayerNumber: 2, ...changed };
}

type Snapshot = MachineFacts['snapshots'][number];
function snapshot(id: string, changed: Partial<Snapshot> = {}): Snapshot {
  return {
    id,
    virtualMachineId: 'm',
    projectId,
    name: id,
    description: null,
    kind: 'DISK',
    consistency: 'CRASH',
    state: 'READY',
    parentId: null,
    locked: false,
    createdAt: at,
    createdBy: actor,
    memoryBytes: null,
    filePool: null,
    hasNvram: false,
    error: null,
    operationId: null,
    isSubset: false,
    disks: [{ volumeId: 'a', layerId: 'a.0', target: 'vda' }],
    ...changed,
  };
}

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
  currentSnapshotId: 's1',
  headSince: null,
  treeRevision: 0,
  epoch: 0n,
  drift: null,
  inventoryPosition: 0n,
  createdAt: at,
  host,
  project,
};

type Changes = Partial<Omit<MachineFacts, 'machine'>> & { machine?: Partial<MachineFacts['machine']> };

/** vda with s1 on its base, and the head over it. */
function facts({ machine: changedMachine, ...changed }: Changes = {}): MachineFacts {
  const snapshots = changed.snapshots ?? [snapshot('s1')];
  return {
    machine: { ...machine, ...changedMachine },
    volumes: [volume('a')],
    otherVolumes: [],
    layers: [layer('a', 0), layer('a', 1)],
    layerRows: [],
    pins: snapshots.flatMap(({ id: snapshotId, disks }) => disks.map((disk) => ({ ...disk, snapshotId }))),
    heads: [],
    poolNames: new Map([
      ['a', 'pool'],
      ['b', 'pool'],
    ]),
    snapshots,
    names: new Set(snapshots.map(({ name }) => name)),
    snapshotsEver: snapshots.length,
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

function codeOf(asked: RevertRequest, seen: MachineFacts, by = principal('OPERATOR')): string {
  const access = revertStarter.access(by, seen);
  const decided = access.ok ? decideRevert(asked, seen) : access;
  return decided.ok ? 'done' : decided.refusals[0].code;
}

function planOf(asked: RevertRequest, seen: MachineFacts) {
  const decided = decideRevert(asked, seen);
  if (!decided.ok) throw new Error(decided.refusals[0].message);
  return decided.value;
}

const layerRow: MachineFacts['layerRows'][number] = {
  id: 'a.0',
  volumeId: 'a',
  fileName: 'volume-a.0.qcow2',
  format: 'qcow2',
  state: 'PRESENT',
  backingLayerId: null,
  virtualBytes: 64n,
  allocatedBytes: 1n,
  isFrozen: true,
  isTemplate: false,
  dataMap: null,
  measuredAt: null,
  mergeState: 'NONE',
  mergedBy: null,
  createdAt: at,
};
const off = { state: 'STOPPED' as const, powerState: 'OFF' as const };
const withMemory = snapshot('s1', { kind: 'DISK_AND_MEMORY', filePool: 'pool' });

it.each<[string, RevertRequest, MachineFacts]>([
  ['done', request(), facts()],
  ['done', request({ start: true, snapshotFirst: true }), facts({ machine: off })],
  ['done', request(), facts({ machine: { state: 'PAUSED', powerState: 'PAUSED' } })],
  ['done', request(), facts({ snapshots: [snapshot('s1', { locked: true })] })],
  ['SNAPSHOT_STATE', request({ snapshotId: 'gone' }), facts()],
  ['SNAPSHOT_STATE', request(), facts({ snapshots: [snapshot('s1', { state: 'ERROR' })] })],
  ['SNAPSHOT_STATE', request(), facts({ snapshots: [snapshot('s1', { state: 'EXPUNGING' })] })],
  ['MACHINE_BUSY', request(), facts({ holder: 'o' })],
  ['MACHINE_BUSY', request(), facts({ machine: { state: 'REVERTING' } })],
  ['MIXED_SNAPSHOT_KINDS', request(), facts({ driftCodes: ['INTERNAL_SNAPSHOTS'] })],
  ['MACHINE_DRIFTED', request(), facts({ driftCodes: ['CHAIN_DIFFERS'] })],
  ['MACHINE_DRIFTED', request(), facts({ driftCodes: ['MANAGED_SAVE', 'CHAIN_DIFFERS'] })],
  ['done', request(), facts({ driftCodes: ['MANAGED_SAVE'], machine: off })],
  ['MACHINE_BUSY', request(), facts({ layerRows: [{ ...layerRow, mergeState: 'REPOINTED' }] })],
  ['MACHINE_STATE', request(), facts({ machine: { state: 'UNKNOWN', powerState: 'UNKNOWN' } })],
  ['HOST_UNAVAILABLE', request(), facts({ machine: { host: { ...host, state: 'DISCONNECTED' } } })],
  ['CAPABILITY_DISABLED', request(), facts({ machine: { host: { ...host, disabledCapabilities: ['vm-snapshot.disk'] } } })],
  ['done', request(), facts({ machine: { host: { ...host, disabledCapabilities: ['vm-snapshot.memory'] } } })],
  [
    'CAPABILITY_DISABLED',
    request(),
    facts({ machine: { host: { ...host, disabledCapabilities: ['vm-snapshot.memory'] } }, snapshots: [withMemory] }),
  ],
  [
    'QUOTA_EXCEEDED',
    request({ snapshotFirst: true }),
    facts({ machine: { project: { ...project, quotaVmSnapshots: 1 } }, snapshotsOfProject: 1 }),
  ],
  ['done', request(), facts({ machine: { project: { ...project, quotaVmSnapshots: 1 } }, snapshotsOfProject: 1 })],
  ['NOT_REVERTIBLE', request(), facts({ snapshots: [snapshot('s1', { kind: 'DISK_AND_MEMORY' })] })],
  ['NOT_REVERTIBLE', request(), facts({ snapshots: [snapshot('s1', { disks: [] })] })],
  ['NOT_REVERTIBLE', request(), facts({ volumes: [], otherVolumes: [volume('a', { virtualMachineId: 'other' })] })],
  ['NOT_REVERTIBLE', request(), facts({ volumes: [], otherVolumes: [volume('a', { virtualMachineId: null, headLayerId: null })] })],
  ['NOT_REVERTIBLE', request(), facts({ layers: [{ ...layer('a', 0), isSpoiled: true }, layer('a', 1)] })],
  ['INSUFFICIENT_SPACE', request(), facts({ volumes: [volume('a', { pool: { ...pool, availableBytes: 1n } })] })],
  ['POOL_UNSUPPORTED', request(), facts({ volumes: [volume('a', { pool: { ...pool, type: 'RBD' } })] })],
  ['PLAN_CHANGED', request({ planHash: 'another' }), facts()],
  ['done', request({ planHash: planOf(request(), facts()).hash }), facts()],
])('answers %s', (code, asked, seen) => {
  expect(codeOf(asked, seen)).toBe(code);
});

it('keeps to the project first, whatever else is wrong', () => {
  const busy = facts({ holder: 'o' });
  expect(codeOf(request(), busy, principal(null))).toBe('NOT_FOUND');
  expect(codeOf(request(), busy, principal('VIEWER'))).toBe('FORBIDDEN');
  expect(codeOf(request(), busy, principal(null, true))).toBe('MACHINE_BUSY');
});

it('says which disk is in the way, in a sentence', () => {
  const decided = decideRevert(request(), facts({ volumes: [], otherVolumes: [volume('a', { virtualMachineId: 'other' })] }));
  expect(decided).toMatchObject({ ok: false, refusals: [{ message: expect.stringContaining('vda') }] });
});

it('refuses a chain that would be too long', () => {
  const layers = Array.from({ length: CHAIN_LIMIT + 1 }, (_, n) => layer('a', n));
  const deep = snapshot('s1', { disks: [{ volumeId: 'a', layerId: `a.${CHAIN_LIMIT - 1}`, target: 'vda' }] });
  const seen = facts({ layers, snapshots: [deep], volumes: [volume('a', { headLayerId: `a.${CHAIN_LIMIT}` })] });
  expect(codeOf(request(), seen)).toBe('CHAIN_TOO_LONG');
});

describe('what it plans', () => {
  it('leaves the head behind, or pins it where that was asked', () => {
    const lost = planOf(request(), facts());
    expect(lost).toMatchObject({ safetyName: null, plan: { abandoned: ['a.1'], safetyPins: null } });
    expect(lost.heads).toMatchObject([{ volumeId: 'a', target: 'vda', chain: [{ id: 'a.0' }], newFileName: 'volume-a.2.qcow2' }]);
    const kept = planOf(request({ snapshotFirst: true }), facts({ names: new Set(['before reverting to s1']) }));
    expect(kept.safetyName).toBe('before reverting to s1 (2)');
    expect(kept.plan).toMatchObject({ abandoned: [], safetyPins: [{ volumeId: 'a', layerId: 'a.1', target: 'vda' }] });
  });

  it('takes off and keeps a disk that the snapshot does not know, and leaves it where the snapshot is of some disks only', () => {
    const two = { volumes: [volume('a'), volume('b')], layers: [layer('a', 0), layer('a', 1), layer('b', 0), layer('b', 1)] };
    expect(planOf(request(), facts(two)).plan).toMatchObject({ detaches: ['b'], keeps: [], abandoned: ['a.1'] });
    const some = facts({ ...two, snapshots: [snapshot('s1', { isSubset: true })] });
    expect(planOf(request(), some).plan).toMatchObject({ detaches: [], keeps: ['b'], abandoned: ['a.1'] });
  });

  it('says that a saved state is removed', () => {
    const { plan } = planOf(request(), facts({ driftCodes: ['MANAGED_SAVE'], machine: off })).plan;
    expect(plan.steps.map((step) => step.kind)).toContain('DISCARD_SAVED_STATE');
    expect(plan.warnings).toEqual([expect.stringContaining('saved state')]);
  });

  it('brings back a disk that is detached', () => {
    const seen = facts({ volumes: [], otherVolumes: [volume('a', { virtualMachineId: null, target: null })] });
    expect(planOf(request(), seen).plan).toMatchObject({ attaches: ['a'], newHeads: [{ volumeId: 'a', target: 'vda' }] });
  });
});

it('claims every volume it touches and every forest its chains run through', () => {
  const decision = planOf(request(), facts());
  expect(new Set(revertStarter.resources(decision, 'm'))).toEqual(new Set(['machine:m', 'volume:a', 'layer-forest:a']));
});
