import { describe, expect, it } from 'vitest';
import { LayerForest, type VolumeHead } from '../model/layer-forest.js';
import { clusters, layer } from '../testing/forest-builders.js';
import { planRevert } from './plan-revert.js';
import type { RevertibleSnapshot, RevertPlan, RevertRequest } from './revert-plan.js';

/** Volume v: base(s1) ◀─ a(s2) ◀─ headV. Volume w: wbase(s1) ◀─ headW, where s2 is of v only. */
const forest = new LayerForest([
  layer('base', null, clusters(0, 9)),
  layer('a', 'base', [1]),
  layer('headV', 'a', [2]),
  { ...layer('wbase', null, [3]), volumeId: 'w' },
  { ...layer('headW', 'wbase', [4, 5]), volumeId: 'w' },
]);
const heads: VolumeHead[] = [
  { volumeId: 'v', target: 'vda', headLayerId: 'headV', nextLayerNumber: 3 },
  { volumeId: 'w', target: 'vdb', headLayerId: 'headW', nextLayerNumber: 2 },
];
const s1: RevertibleSnapshot = {
  id: 's1',
  kind: 'DISK',
  state: 'READY',
  isSubset: false,
  disks: [
    { volumeId: 'v', target: 'vda', layerId: 'base' },
    { volumeId: 'w', target: 'vdb', layerId: 'wbase' },
  ],
};
const s2: RevertibleSnapshot = { ...s1, id: 's2', isSubset: true, disks: [{ volumeId: 'v', target: 'vda', layerId: 'a' }] };
const pins = [s1, s2].flatMap((one) => one.disks.map(({ volumeId, layerId }) => ({ snapshotId: one.id, volumeId, layerId })));

function request(changed: Partial<RevertRequest> = {}): RevertRequest {
  return {
    forest,
    snapshot: s1,
    heads,
    pins,
    unavailable: new Map(),
    power: 'OFF',
    snapshotFirst: false,
    start: false,
    hasManagedSave: false,
    chainLimit: 10,
    ...changed,
  };
}

function planned(changed: Partial<RevertRequest> = {}): RevertPlan {
  const answer = planRevert(request(changed));
  if (!answer.ok) throw new Error(answer.refusal.code);
  return answer.value;
}

const kinds = (plan: RevertPlan) => plan.plan.steps.map((step) => step.kind);
const newHeads = (plan: RevertPlan) => plan.newHeads.map((head) => `${head.target ?? '-'} ${head.newFileName} over ${head.overLayerId}`);

describe('reverting', () => {
  it('puts fresh heads over what was frozen, and discards the abandoned ones last', () => {
    const plan = planned({ power: 'ON', hasManagedSave: true });
    expect(newHeads(plan)).toEqual(['vda volume-v.3.qcow2 over base', 'vdb volume-w.2.qcow2 over wbase']);
    expect(kinds(plan)).toEqual([
      'CREATE_LAYER',
      'CREATE_LAYER',
      'STOP_MACHINE',
      'DISCARD_SAVED_STATE',
      'RESTORE_DEFINITION',
      'SWITCH_HEAD',
      'SWITCH_HEAD',
      'VERIFY_CHAIN',
      'DISCARD_LAYER',
      'DISCARD_LAYER',
    ]);
    expect(plan.abandoned).toEqual(['headV', 'headW']);
    expect(plan.plan).toMatchObject({ bytesToMove: 0, bytesFreed: 3, stopsMachine: true, losesCurrentState: true });
    expect(plan.endsRunning).toBe(false);
  });

  it('discards also what only an abandoned head read', () => {
    expect(planned({ pins: pins.filter((pin) => pin.snapshotId !== 's2') }).abandoned).toEqual(['headV', 'a', 'headW']);
  });

  it('never discards what a clone reads', () => {
    const cloned = new LayerForest([...forest.layers(), { ...layer('clone', 'a'), volumeId: 'c' }]);
    expect(planned({ forest: cloned, pins: pins.filter((pin) => pin.snapshotId !== 's2') }).abandoned).toEqual(['headV', 'headW']);
  });

  it('starts the machine where asked, and lets a guest with memory go on in any case', () => {
    expect(kinds(planned({ start: true }))).toContain('START_MACHINE');
    const memory = planned({ snapshot: { ...s1, kind: 'DISK_AND_MEMORY' } });
    expect(kinds(memory)).toContain('RESTORE_MEMORY');
    expect(kinds(memory)).not.toContain('START_MACHINE');
    expect(memory.endsRunning).toBe(true);
  });

  it('keeps the present heads as the safety snapshot, without a freeze', () => {
    const plan = planned({ snapshotFirst: true, power: 'ON' });
    expect(plan.safetyPins).toEqual([
      { volumeId: 'v', target: 'vda', layerId: 'headV' },
      { volumeId: 'w', target: 'vdb', layerId: 'headW' },
    ]);
    expect(plan.abandoned).toEqual([]);
    expect(plan.plan.losesCurrentState).toBe(false);
    expect(kinds(plan)).not.toContain('FREEZE_LAYER');
  });
});

describe('reverting where the disks are others now', () => {
  it('exchanges only the disks of a subset', () => {
    const plan = planned({ snapshot: s2 });
    expect(newHeads(plan)).toEqual(['vda volume-v.3.qcow2 over a']);
    expect(plan.keeps).toEqual(['w']);
    expect(plan.abandoned).toEqual(['headV']);
  });

  it('gives a disk outside the subset a new head over its old one where a safety snapshot pins that', () => {
    const plan = planned({ snapshot: s2, snapshotFirst: true });
    expect(newHeads(plan)).toEqual(['vda volume-v.3.qcow2 over a', 'vdb volume-w.2.qcow2 over headW']);
    expect(plan.keeps).toEqual([]);
  });

  it('detaches a disk that came later and keeps it, with a head that nobody pins', () => {
    const late = { volumeId: 'x', target: 'vdc', headLayerId: 'late', nextLayerNumber: 1 };
    const grown = new LayerForest([...forest.layers(), { ...layer('late', null), volumeId: 'x' }]);
    const plan = planned({ heads: [...heads, late], forest: grown });
    expect(plan.detaches).toEqual(['x']);
    expect(plan.abandoned).toEqual(['headV', 'headW']);
    const safe = planned({ heads: [...heads, late], forest: grown, snapshotFirst: true });
    expect(newHeads(safe)).toContain('- volume-x.1.qcow2 over late');
    expect(safe.detaches).toEqual(['x']);
  });

  it('brings a detached disk back, and puts the one that took its place aside, also for a subset', () => {
    const exchanged = [
      { volumeId: 'v', target: null, headLayerId: 'headV', nextLayerNumber: 3 },
      { volumeId: 'w', target: 'vda', headLayerId: 'headW', nextLayerNumber: 2 },
    ];
    const plan = planned({ snapshot: s2, heads: exchanged });
    expect(plan.attaches).toEqual(['v']);
    expect(plan.detaches).toEqual(['w']);
    expect(plan.keeps).toEqual([]);
    expect(planned({ snapshot: s2, heads: exchanged, snapshotFirst: true }).plan.warnings.join()).toContain('loses what was written');
  });
});

describe('a refusal to revert', () => {
  it('names every disk that stands in the way', () => {
    const answer = planRevert(request({ heads: heads.slice(0, 1), unavailable: new Map([['v', 'ATTACHED_ELSEWHERE']]) }));
    expect(answer).toEqual({
      ok: false,
      refusal: {
        code: 'NOT_REVERTIBLE',
        obstacles: [
          {
            code: 'VOLUME_ELSEWHERE',
            volumeId: 'v',
            message: 'The disk vda of the snapshot is attached to another machine now. Detach it there first.',
          },
          { code: 'VOLUME_GONE', volumeId: 'w', message: 'The disk vdb of the snapshot does not exist any more.' },
        ],
      },
    });
  });

  it('does not go back to a layer that a stopped merge left spoiled, to no disk, or from another state than READY', () => {
    const spoiled = new LayerForest(forest.layers().map((one) => (one.id === 'base' ? { ...one, isSpoiled: true } : one)));
    expect(planRevert(request({ forest: spoiled }))).toMatchObject({ refusal: { obstacles: [{ code: 'LAYER_SPOILED', volumeId: 'v' }] } });
    expect(planRevert(request({ snapshot: { ...s1, disks: [] } }))).toMatchObject({ refusal: { obstacles: [{ code: 'NO_DISKS' }] } });
    const error = { ...s1, state: 'ERROR' as const };
    expect(planRevert(request({ snapshot: error }))).toEqual({ ok: false, refusal: { code: 'SNAPSHOT_STATE', state: 'ERROR' } });
  });

  it('keeps the room of a T-trick over what a safety snapshot freezes, although nothing is put there now', () => {
    expect(planRevert(request({ chainLimit: 4 })).ok).toBe(true);
    expect(planRevert(request({ chainLimit: 4, snapshotFirst: true }))).toEqual({
      ok: false,
      refusal: { code: 'CHAIN_TOO_LONG', volumeId: 'v', target: 'vda', length: 3, limit: 4 },
    });
    expect(planRevert(request({ chainLimit: 5, snapshotFirst: true })).ok).toBe(true);
  });

  it('throws for memory without every disk, which no snapshot has', () => {
    expect(() => planRevert(request({ snapshot: { ...s2, kind: 'DISK_AND_MEMORY' } }))).toThrow('has memory and not every disk');
  });
});
