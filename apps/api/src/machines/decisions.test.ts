import { describe, expect, it } from 'vitest';
import { seenDisk, seenLayer, seenMachine } from '../testing/inventory.js';
import { codeOf, someFacts, someHost, someLayer, someLayerRow, someSnapshot, someVolume } from '../testing/machine-facts.js';
import { decideFlatten } from '../volumes/flatten/decide-flatten.js';
import { decideDestroy } from './destroy/decide-destroy.js';
import { decideAttach, decideDetach } from './disks/decide-disks.js';
import type { MachineFacts } from './machine-facts.store.js';
import { decideMigrate } from './migrate/decide-migrate.js';
import { decideStart, decideStop } from './power/decide-power.js';
import { decideReconcile } from './reconcile/decide-reconcile.js';
import { decideResize } from './resize/decide-resize.js';

const off = { state: 'STOPPED' as const, powerState: 'OFF' as const };
const paused = { state: 'PAUSED' as const, powerState: 'PAUSED' as const };
const request = { virtualMachineId: 'm', planHash: null, idempotencyKey: null };
const resize = (vcpus: number | null, memoryBytes: number | null) => ({ ...request, vcpus, memoryBytes });
const migrate = { ...request, hostId: 'h2', storagePoolId: null };
const destination = someHost({ id: 'h2', name: 'h2', migrationUri: 'qemu+unix:///system' });

/** Every kind of work, on facts in which nothing else is in the way. */
const KINDS: Record<string, (facts: MachineFacts) => { ok: boolean }> = {
  start: (facts) => decideStart({ ...facts, machine: { ...facts.machine, ...off } }),
  resize: (facts) => decideResize(resize(2, null), facts),
  destroy: (facts) => decideDestroy(facts),
  detach: (facts) => decideDetach('v', facts),
  migrate: (facts) => decideMigrate(migrate, { ...facts, destination }),
};

describe('what every kind of work begins with', () => {
  it.each(Object.entries(KINDS))('%s: free, sound, and its host there', (_name, decide) => {
    expect(codeOf(decide(someFacts()))).toBe('done');
    expect(codeOf(decide(someFacts({ holder: 'o' })))).toBe('MACHINE_BUSY');
    expect(codeOf(decide(someFacts({ driftCodes: ['CHAIN_DIFFERS'] })))).toBe('MACHINE_DRIFTED');
    expect(codeOf(decide(someFacts({ driftCodes: ['INTERNAL_SNAPSHOTS'] })))).toBe('MIXED_SNAPSHOT_KINDS');
    const host = someHost({ state: 'DISCONNECTED' });
    expect(codeOf(decide(someFacts({ machine: { host } })))).toBe('HOST_UNAVAILABLE');
  });
});

describe('a merge that re-pointed readers and did not end', () => {
  it.each(Object.entries(KINDS).filter(([name]) => name !== 'resize'))('%s: waits for its continuation', (_name, decide) => {
    const half = someLayerRow('l0', { mergeState: 'REPOINTED', mergedBy: 'o' });
    expect(codeOf(decide(someFacts({ layerRows: [half] })))).toBe('MACHINE_BUSY');
    expect(codeOf(decide(someFacts({ layerRows: [half], driftCodes: ['CHAIN_DIFFERS'] })))).toBe('MACHINE_BUSY');
  });

  it('flatten and reconcile: so do they', () => {
    const layerRows = [someLayerRow('l0', { mergeState: 'REPOINTED', mergedBy: 'o' })];
    expect(codeOf(decideFlatten({ volumeId: 'v', keepTemplate: true }, someFacts({ layerRows })))).toBe('MACHINE_BUSY');
    const finding = { code: 'CHAIN_DIFFERS', message: 'It differs.', volumeId: null, path: null, repairable: true };
    const drift = {
      detectedAt: '2026-11-21T00:00:00Z',
      findings: [finding],
      seen: seenMachine([seenDisk('vda', [seenLayer('l0')])]),
      seenOn: null,
    };
    for (const action of ['ADOPT', 'REPAIR'] as const) {
      expect(codeOf(decideReconcile(action, someFacts({ machine: { drift }, layerRows })))).toBe('MACHINE_BUSY');
      expect(codeOf(decideReconcile(action, someFacts({ machine: { drift } })))).not.toBe('MACHINE_BUSY');
    }
  });
});

describe('power', () => {
  it('starts what is off, lets go on what is paused, and resumes a saved state', () => {
    expect(codeOf(decideStart(someFacts()))).toBe('MACHINE_STATE');
    expect(codeOf(decideStart(someFacts({ machine: paused })))).toBe('done');
    expect(codeOf(decideStart(someFacts({ machine: off, driftCodes: ['MANAGED_SAVE'] })))).toBe('done');
  });

  it('stops what runs, a paused guest only by force, and a drifted machine without asking for its disks', () => {
    expect(codeOf(decideStop(someFacts({ machine: off }), true))).toBe('MACHINE_STATE');
    expect(codeOf(decideStop(someFacts({ machine: paused }), false))).toBe('MACHINE_STATE');
    expect(codeOf(decideStop(someFacts({ machine: paused }), true))).toBe('done');
    const sound = decideStop(someFacts(), false);
    expect(sound.ok && sound.value.disks).toHaveLength(1);
    const drifted = decideStop(someFacts({ driftCodes: ['CHAIN_DIFFERS'] }), false);
    expect(drifted.ok && drifted.value.disks).toEqual([]);
    expect(codeOf(decideStop(someFacts({ driftCodes: ['DOMAIN_MISSING'] }), true))).toBe('MACHINE_DRIFTED');
  });
});

describe('resize', () => {
  it('takes sizes that a machine can have', () => {
    for (const [vcpus, memory] of [
      [null, null],
      [0, null],
      [289, null],
      [null, 1_000_000],
      [null, 0],
    ] as const) {
      expect(codeOf(decideResize(resize(vcpus, memory), someFacts()))).toBe('INVALID_INPUT');
    }
    expect(codeOf(decideResize(resize(null, 1_048_576), someFacts()))).toBe('done');
  });

  it('names the memory images that go, and no others', () => {
    const memory = someSnapshot('s1', { kind: 'DISK_AND_MEMORY', filePool: 'pool', memoryBytes: 5n });
    const failed = someSnapshot('s2', { kind: 'DISK_AND_MEMORY', filePool: 'pool', state: 'ERROR' });
    const decided = decideResize(resize(2, null), someFacts({ snapshots: [memory, failed, someSnapshot('s3', { filePool: 'pool' })] }));
    expect(decided.ok && decided.value.memory).toEqual([{ snapshotId: 's1', name: 's1', pool: 'pool', fileName: 'snapshot-s1.mem' }]);
  });
});

describe('destroy', () => {
  it('takes a machine from the record that its host has no more, unless another host has it', () => {
    const gone = { state: 'UNKNOWN' as const, powerState: 'UNKNOWN' as const };
    expect(codeOf(decideDestroy(someFacts({ machine: gone, driftCodes: ['DOMAIN_MISSING'] })))).toBe('done');
    expect(codeOf(decideDestroy(someFacts({ machine: gone, driftCodes: ['DOMAIN_MISSING', 'ON_OTHER_HOST'] })))).toBe('MACHINE_DRIFTED');
  });
});

describe('disks', () => {
  const spare = someVolume({ id: 'w', virtualMachineId: null, target: null, headLayerId: 'k0' });
  const withSpare = (changed: Parameters<typeof someVolume>[0] = {}, more: Parameters<typeof someFacts>[0] = {}) =>
    someFacts({
      otherVolumes: [{ ...spare, ...someVolume({ ...spare, ...changed }) }],
      layers: [someLayer('l0'), someLayer('k0', { volumeId: 'w' })],
      poolNames: new Map([
        ['v', 'pool'],
        ['w', 'pool'],
      ]),
      ...more,
    });

  it('attaches a detached volume of the project at the first free target', () => {
    const decided = decideAttach('w', withSpare());
    expect(decided.ok && decided.value).toMatchObject({ volumeId: 'w', target: 'vdb', files: ['volume:w', 'layer-forest:w'] });
    const gap = decideAttach('w', withSpare({}, { volumes: [someVolume({ target: 'vdb' })] }));
    expect(gap.ok && gap.value.target).toBe('vda');
  });

  it('does not attach what is another project’s, gone, attached, or out of reach', () => {
    expect(codeOf(decideAttach('x', withSpare()))).toBe('NOT_FOUND');
    expect(codeOf(decideAttach('w', withSpare({ projectId: 'other' })))).toBe('NOT_FOUND');
    expect(codeOf(decideAttach('w', withSpare({ headLayerId: null })))).toBe('NOT_FOUND');
    expect(codeOf(decideAttach('w', withSpare({ virtualMachineId: 'm2' })))).toBe('MACHINE_STATE');
    expect(codeOf(decideAttach('w', withSpare({ pool: { hostId: 'h2', type: 'LOCAL' } })))).toBe('POOL_UNSUPPORTED');
    expect(codeOf(decideAttach('w', withSpare({ pool: { clusterId: 'c2' } })))).toBe('POOL_UNSUPPORTED');
  });

  it('changes no disk while the machine has VM snapshots, and says which', () => {
    const facts = withSpare({}, { snapshots: [someSnapshot('first')] });
    for (const decided of [decideAttach('w', facts), decideDetach('v', facts)]) {
      expect(codeOf(decided)).toBe('HAS_VM_SNAPSHOTS');
      expect(!decided.ok && decided.refusals[0].message).toContain('“first”');
    }
  });
});

describe('migrate', () => {
  const decide = (changed: Parameters<typeof someFacts>[0] = {}, asked = migrate) =>
    codeOf(decideMigrate(asked, someFacts({ destination, ...changed })));

  it('goes to a host of the cluster that is there and takes migrations', () => {
    expect(decide({ destination: null })).toBe('NOT_FOUND');
    expect(decide({ destination: { ...destination, id: 'h' } })).toBe('INVALID_INPUT');
    expect(decide({ destination: { ...destination, clusterId: 'c2' } })).toBe('INVALID_INPUT');
    expect(decide({ destination: { ...destination, state: 'MAINTENANCE' } })).toBe('HOST_UNAVAILABLE');
    expect(decide({ destination: { ...destination, migrationUri: null } })).toBe('CAPABILITY_DISABLED');
    expect(codeOf(decideMigrate({ ...migrate, storagePoolId: 'p' }, someFacts({ destination })))).toBe('CAPABILITY_DISABLED');
    expect(decide()).toBe('done');
  });

  it('stays where its disks are, and leaves a host in maintenance whose agent is there', () => {
    expect(decide({ volumes: [someVolume({ pool: { type: 'LOCAL', hostId: 'h' } })] })).toBe('POOL_UNSUPPORTED');
    const maintenance = someHost({ state: 'MAINTENANCE', sessionReplicaId: 'r' });
    expect(decide({ machine: { host: maintenance } })).toBe('done');
    expect(decide({ machine: { host: { ...maintenance, sessionReplicaId: null } } })).toBe('HOST_UNAVAILABLE');
  });
});
