import { CHAIN_LIMIT, type Layer } from '@coppice/snapshot-tree';
import { describe, expect, it } from 'vitest';
import {
  codeOf,
  someFacts,
  someHost,
  someLayer,
  someLayerRow,
  somePrincipal,
  someProject,
  someSnapshot,
  someVolume,
} from '../../testing/machine-facts.js';
import type { MachineFacts, SnapshotFacts } from '../../machines/machine-facts.store.js';
import { decideRevert, type RevertRequest } from './decide-revert.js';
import { revertStarter } from './revert.store.js';

function request(changed: Partial<RevertRequest> = {}): RevertRequest {
  return { snapshotId: 's1', virtualMachineId: 'm', snapshotFirst: false, start: false, planHash: null, idempotencyKey: null, ...changed };
}

/** `volume.n` over `volume.n-1`. */
function layer(volumeId: string, n: number, changed: Partial<Layer> = {}): Layer {
  return someLayer(`${volumeId}.${n}`, { volumeId, backingLayerId: n === 0 ? null : `${volumeId}.${n - 1}`, ...changed });
}

function volume(id: string, changed: Parameters<typeof someVolume>[0] = {}) {
  return someVolume({ id, name: id, target: `vd${id}`, headLayerId: `${id}.1`, nextLayerNumber: 2, ...changed });
}

function snapshot(id: string, changed: Partial<SnapshotFacts> = {}): SnapshotFacts {
  return someSnapshot(id, { disks: [{ volumeId: 'a', layerId: 'a.0', target: 'vda' }], ...changed });
}

/** vda with s1 on its base, and the head over it. */
function facts(changed: Parameters<typeof someFacts>[0] = {}): MachineFacts {
  const snapshots = changed.snapshots ?? [snapshot('s1')];
  return someFacts({
    volumes: [volume('a')],
    layers: [layer('a', 0), layer('a', 1)],
    pins: snapshots.flatMap(({ id: snapshotId, disks }) => disks.map((disk) => ({ ...disk, snapshotId }))),
    poolNames: new Map([
      ['a', 'pool'],
      ['b', 'pool'],
    ]),
    snapshots,
    names: new Set(snapshots.map(({ name }) => name)),
    snapshotsEver: snapshots.length,
    ...changed,
    machine: { currentSnapshotId: 's1', ...changed.machine },
  });
}

function answerTo(asked: RevertRequest, seen: MachineFacts, by = somePrincipal('OPERATOR')): string {
  const access = revertStarter.access(by, seen);
  return codeOf(access.ok ? decideRevert(asked, seen) : access);
}

function planOf(asked: RevertRequest, seen: MachineFacts) {
  const decided = decideRevert(asked, seen);
  if (!decided.ok) throw new Error(decided.refusals[0].message);
  return decided.value;
}

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
  ['MACHINE_BUSY', request(), facts({ layerRows: [someLayerRow('a.0', { volumeId: 'a', mergeState: 'REPOINTED' })] })],
  ['MACHINE_STATE', request(), facts({ machine: { state: 'UNKNOWN', powerState: 'UNKNOWN' } })],
  ['HOST_UNAVAILABLE', request(), facts({ machine: { host: someHost({ state: 'DISCONNECTED' }) } })],
  ['CAPABILITY_DISABLED', request(), facts({ machine: { host: someHost({ disabledCapabilities: ['vm-snapshot.disk'] }) } })],
  ['done', request(), facts({ machine: { host: someHost({ disabledCapabilities: ['vm-snapshot.memory'] }) } })],
  [
    'CAPABILITY_DISABLED',
    request(),
    facts({ machine: { host: someHost({ disabledCapabilities: ['vm-snapshot.memory'] }) }, snapshots: [withMemory] }),
  ],
  [
    'QUOTA_EXCEEDED',
    request({ snapshotFirst: true }),
    facts({ machine: { project: someProject({ quotaVmSnapshots: 1 }) }, snapshotsOfProject: 1 }),
  ],
  ['done', request(), facts({ machine: { project: someProject({ quotaVmSnapshots: 1 }) }, snapshotsOfProject: 1 })],
  ['NOT_REVERTIBLE', request(), facts({ snapshots: [snapshot('s1', { kind: 'DISK_AND_MEMORY' })] })],
  ['NOT_REVERTIBLE', request(), facts({ snapshots: [snapshot('s1', { disks: [] })] })],
  ['NOT_REVERTIBLE', request(), facts({ volumes: [], otherVolumes: [volume('a', { virtualMachineId: 'other' })] })],
  ['NOT_REVERTIBLE', request(), facts({ volumes: [], otherVolumes: [volume('a', { virtualMachineId: null, headLayerId: null })] })],
  ['NOT_REVERTIBLE', request(), facts({ layers: [layer('a', 0, { isSpoiled: true }), layer('a', 1)] })],
  ['INSUFFICIENT_SPACE', request(), facts({ volumes: [volume('a', { pool: { availableBytes: 1n } })] })],
  ['POOL_UNSUPPORTED', request(), facts({ volumes: [volume('a', { pool: { type: 'RBD' } })] })],
  ['PLAN_CHANGED', request({ planHash: 'another' }), facts()],
  ['done', request({ planHash: planOf(request(), facts()).hash }), facts()],
])('answers %s', (code, asked, seen) => {
  expect(answerTo(asked, seen)).toBe(code);
});

it('keeps to the project first, whatever else is wrong', () => {
  const busy = facts({ holder: 'o' });
  expect(answerTo(request(), busy, somePrincipal(null))).toBe('NOT_FOUND');
  expect(answerTo(request(), busy, somePrincipal('VIEWER'))).toBe('FORBIDDEN');
  expect(answerTo(request(), busy, somePrincipal(null, true))).toBe('MACHINE_BUSY');
});

it('says which disk is in the way, in a sentence', () => {
  const decided = decideRevert(request(), facts({ volumes: [], otherVolumes: [volume('a', { virtualMachineId: 'other' })] }));
  expect(decided).toMatchObject({ ok: false, refusals: [{ message: expect.stringContaining('vda') }] });
});

it('refuses a chain that would be too long', () => {
  const layers = Array.from({ length: CHAIN_LIMIT + 1 }, (_, n) => layer('a', n));
  const deep = snapshot('s1', { disks: [{ volumeId: 'a', layerId: `a.${CHAIN_LIMIT - 1}`, target: 'vda' }] });
  const seen = facts({ layers, snapshots: [deep], volumes: [volume('a', { headLayerId: `a.${CHAIN_LIMIT}` })] });
  expect(answerTo(request(), seen)).toBe('CHAIN_TOO_LONG');
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
