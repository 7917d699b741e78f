import { describe, expect, it } from 'vitest';
import { codeOf, someFacts, someLayer, someSnapshot, someVolume } from '../../testing/machine-facts.js';
import type { MachineFacts } from '../../machines/machine-facts.store.js';
import { decideCreateVolumeSnapshot } from './decide-create.js';

type Request = Parameters<typeof decideCreateVolumeSnapshot>[0];

const plain: Request = { volumeId: 'v', vmSnapshotId: null, name: null, kind: null, location: null, quiesce: false, idempotencyKey: null };

function decide(request: Partial<Request> = {}, facts: MachineFacts = tree()) {
  return decideCreateVolumeSnapshot({ ...plain, ...request }, facts);
}

/** l0 (s1) ← l1 (s2) ← l2, the head of vda. */
function tree(changed: Parameters<typeof someFacts>[0] = {}): MachineFacts {
  const pin = (layerId: string) => ({ disks: [{ volumeId: 'v', layerId, target: 'vda' }] });
  return someFacts({
    volumes: [someVolume({ headLayerId: 'l2', nextLayerNumber: 3 })],
    layers: [someLayer('l0'), someLayer('l1', { backingLayerId: 'l0' }), someLayer('l2', { backingLayerId: 'l1' })],
    snapshots: [someSnapshot('s1', pin('l0')), someSnapshot('s2', { ...pin('l1'), consistency: 'MEMORY' })],
    ...changed,
  });
}

const OFF = { state: 'STOPPED', powerState: 'OFF' } as const;

function planOf(outcome: ReturnType<typeof decide>) {
  if (!outcome.ok) throw new Error(outcome.refusals[0].message);
  const { plan, consistency, headTarget, name } = outcome.value;
  return {
    steps: plan.plan.steps.map(({ kind }) => kind).join(' '),
    chain: plan.chain.map(({ id }) => id).join(' '),
    freezes: plan.freeze?.frozen.id ?? null,
    consistency,
    headTarget,
    name,
  };
}

describe('what is copied', () => {
  it('of a running machine its head, frozen first; of one that is off its head as it is', () => {
    const running = { chain: 'l2 l1 l0', freezes: 'l2', consistency: 'CRASH', headTarget: null, name: 'snapshot-1' };
    expect(planOf(decide())).toEqual({ ...running, steps: 'CREATE_LAYER FREEZE_LAYER VERIFY_CHAIN COPY_DATA' });
    const quiesced = planOf(decide({ quiesce: true, name: 'x' }));
    expect(quiesced).toMatchObject({ consistency: 'FILESYSTEM', name: 'x' });
    expect(quiesced.steps).toBe('CREATE_LAYER QUIESCE_GUEST FREEZE_LAYER THAW_GUEST VERIFY_CHAIN COPY_DATA');
    const off = { steps: 'VERIFY_CHAIN COPY_DATA', chain: 'l2 l1 l0', freezes: null, consistency: 'OFFLINE', headTarget: 'vda' };
    expect(planOf(decide({}, tree({ machine: OFF })))).toMatchObject(off);
  });

  it('of a VM snapshot its layer, whether the machine runs or not; without its memory that is what a power cut leaves', () => {
    const expected = { steps: 'VERIFY_CHAIN COPY_DATA', chain: 'l1 l0', freezes: null, consistency: 'CRASH', headTarget: null };
    expect(planOf(decide({ vmSnapshotId: 's2' }))).toMatchObject(expected);
    expect(planOf(decide({ vmSnapshotId: 's2' }, tree({ machine: OFF })))).toMatchObject(expected);
  });

  it('of a VM snapshot also what was detached since', () => {
    const detached = someVolume({ virtualMachineId: null, target: null, headLayerId: 'l2' });
    expect(planOf(decide({ vmSnapshotId: 's1' }, tree({ volumes: [], otherVolumes: [detached] })))).toMatchObject({ chain: 'l0' });
    expect(codeOf(decide({}, tree({ volumes: [], otherVolumes: [detached] })))).toBe('MACHINE_STATE');
  });
});

describe('what is in the way', () => {
  const spoiled = [
    someLayer('l0', { isSpoiled: true }),
    someLayer('l1', { backingLayerId: 'l0' }),
    someLayer('l2', { backingLayerId: 'l1' }),
  ];
  const deep = Array.from({ length: 63 }, (_, n) => someLayer(`l${n}`, { backingLayerId: n === 0 ? null : `l${n - 1}` }));
  const cases: [string, Partial<Request>, Parameters<typeof tree>[0]][] = [
    ['CAPABILITY_DISABLED', { kind: 'INCREMENTAL' }, {}],
    ['CAPABILITY_DISABLED', { location: 'SECONDARY' }, {}],
    ['INVALID_INPUT', { quiesce: true, vmSnapshotId: 's1' }, {}],
    ['INVALID_INPUT', { name: ' ' }, {}],
    ['INVALID_INPUT', { volumeId: 'w', vmSnapshotId: 's1' }, {}],
    ['NOT_FOUND', { vmSnapshotId: 'of-nobody' }, {}],
    ['SNAPSHOT_STATE', { vmSnapshotId: 's1' }, { snapshots: [someSnapshot('s1', { state: 'EXPUNGING' })] }],
    ['SNAPSHOT_STATE', { vmSnapshotId: 's1' }, { layers: spoiled }],
    ['MACHINE_BUSY', {}, { holder: 'o' }],
    ['MACHINE_DRIFTED', {}, { driftCodes: ['CHAIN_DIFFERS'] }],
    ['MACHINE_STATE', {}, { machine: { state: 'UNKNOWN', powerState: 'UNKNOWN' } }],
    ['GUEST_AGENT_UNAVAILABLE', { quiesce: true }, { machine: { guestAgent: 'DISCONNECTED' } }],
    ['CAPABILITY_DISABLED', {}, { capabilities: [{ name: 'volume-snapshot.full', available: false, reason: 'too old' }] }],
    ['POOL_UNSUPPORTED', {}, { volumes: [someVolume({ headLayerId: 'l2', pool: { type: 'RBD' } })] }],
    ['INSUFFICIENT_SPACE', {}, { volumes: [someVolume({ headLayerId: 'l2', pool: { availableBytes: 1n } })] }],
    ['CHAIN_TOO_LONG', {}, { layers: deep, volumes: [someVolume({ headLayerId: 'l62' })] }],
  ];

  it.each(cases)('%s for %o', (code, request, facts) => {
    expect(codeOf(decide(request, tree(facts)))).toBe(code);
  });

  it('QUOTA_EXCEEDED where the project has all that it may have', () => {
    const facts = tree({ volumeSnapshotsOfProject: 2 });
    const { project } = facts.machine;
    const limited = { ...facts, machine: { ...facts.machine, project: project && { ...project, quotaVolumeSnapshots: 2 } } };
    expect(codeOf(decide({}, limited))).toBe('QUOTA_EXCEEDED');
    expect(codeOf(decide({}, { ...limited, volumeSnapshotsOfProject: 1 }))).toBe('done');
  });
});
