import { describe, expect, it } from 'vitest';
import type { MachineHead } from '../model/forest-record.js';
import { type Layer, LayerForest, type Pin } from '../model/layer-forest.js';
import { clusters, head, layer } from '../testing/forest-builders.js';
import type { DeletableSnapshot, DeletePlan, DeleteRequest } from './delete-plan.js';
import { planConsolidate, planDelete } from './plan-delete.js';

function snapshot(id: string, parentId: string | null, changed: Partial<DeletableSnapshot> = {}): DeletableSnapshot {
  return { id, parentId, state: 'READY', isLocked: false, kind: 'DISK', memoryBytes: null, ...changed };
}

function pin(snapshotId: string, layerId: string): Pin {
  return { snapshotId, volumeId: 'v', layerId };
}

/**
 * s1 ─┬─ s2 ── s4 (current)        base(s1) ◀─ a(s2) ◀─ c(s4) ◀─ head
 *     └─ s3                                 ◀─ b(s3)
 */
const layers = [
  layer('base', null, clusters(0, 20)),
  layer('a', 'base', clusters(0, 4)),
  layer('b', 'base', clusters(5, 8)),
  layer('c', 'a', clusters(2, 5)),
  layer('head', 'c', [30]),
];
const snapshots = [snapshot('s1', null), snapshot('s2', 's1'), snapshot('s3', 's1'), snapshot('s4', 's2')];
const pins = [pin('s1', 'base'), pin('s2', 'a'), pin('s3', 'b'), pin('s4', 'c')];

function request(
  doomed: DeleteRequest['doomed'],
  changed: { layers?: Layer[]; heads?: MachineHead[]; snapshots?: DeletableSnapshot[]; pins?: Pin[] } = {},
) {
  return {
    forest: new LayerForest(changed.layers ?? layers),
    snapshots: changed.snapshots ?? snapshots,
    currentSnapshotId: 's4',
    pins: changed.pins ?? pins,
    heads: changed.heads ?? [head('head')],
    doomed,
    checkpointedVolumeIds: new Set<string>(),
  };
}

function planned(...args: Parameters<typeof request>): DeletePlan {
  const answer = planDelete(request(...args));
  if (!answer.ok) throw new Error(answer.refusal.code);
  return answer.value;
}

const only = (...snapshotIds: string[]) => ({ snapshotIds, withDescendants: false });
const steps = (plan: DeletePlan) => plan.plan.steps.map((step) => `${step.kind} ${step.fileName ?? ''}`.trim());

describe('deleting a snapshot', () => {
  it('discards a leaf without moving a byte', () => {
    const plan = planned(only('s3'));
    expect(steps(plan)).toEqual(['DISCARD_LAYER b']);
    expect(plan.plan).toMatchObject({ bytesToMove: 0, bytesFreed: 3, peakExtraBytes: 0 });
    expect(plan.plan.steps[0]?.snapshotIds).toEqual(['s3']);
    expect(plan.reparented).toEqual([]);
    expect(plan.currentSnapshotId).toBe('s4');
  });

  it('merges an inner one by bytes, and moves its children to its parent', () => {
    const plan = planned(only('s2'));
    expect(plan.reparented).toEqual([{ snapshotId: 's4', parentId: 's1' }]);
    expect(steps(plan)).toEqual(['PULL_LAYER c', 'VERIFY_CHAIN', 'DISCARD_LAYER a']);
    expect(plan.plan).toMatchObject({ bytesToMove: 2, bytesFreed: 2, peakExtraBytes: 2 });
  });

  it('says whose state moves where a layer above is committed', () => {
    const heavy = layers.map((one) => (one.id === 'a' ? layer('a', 'base', clusters(0, 15)) : one));
    const plan = planned(only('s2'), { layers: heavy });
    expect(steps(plan)).toEqual(['COMMIT_LAYER a', 'REBASE_LAYER head', 'VERIFY_CHAIN', 'DISCARD_LAYER c']);
    expect(plan.plan.steps[0]).toMatchObject({ bytesToMove: 3, snapshotIds: ['s4', 's2'] });
    expect(plan.plan.warnings).toHaveLength(1);
  });

  it('keeps a layer that two branches read, and merges it once one is left', () => {
    const plan = planned(only('s1'));
    expect(plan.retained).toEqual(['base']);
    expect(steps(plan)).toEqual(['KEEP_SHARED_LAYER base']);
    expect(plan.reparented).toEqual([
      { snapshotId: 's2', parentId: null },
      { snapshotId: 's3', parentId: null },
    ]);
    const later = planned(only('s3'), { snapshots: snapshots.slice(1).map((one) => ({ ...one, parentId: null })), pins: pins.slice(1) });
    expect(later.retained).toEqual([]);
    expect(steps(later)).toEqual(['COMMIT_LAYER base', 'REBASE_LAYER c', 'VERIFY_CHAIN', 'DISCARD_LAYER b', 'DISCARD_LAYER a']);
  });

  it('moves "you are here" to the nearest ancestor that stays, and touches no head', () => {
    const plan = planned(only('s4', 's2'));
    expect(plan.currentSnapshotId).toBe('s1');
    expect(plan.plan.losesCurrentState).toBe(false);
    expect(planned(only('s1', 's2', 's4')).currentSnapshotId).toBeNull();
  });

  it('takes a whole subtree, and all with one run of merges', () => {
    expect(planned({ snapshotIds: ['s2'], withDescendants: true }).doomed).toEqual(['s2', 's4']);
    const all = planned({ snapshotIds: ['s1'], withDescendants: true });
    expect(all.doomed).toEqual(['s1', 's2', 's3', 's4']);
    expect(all.merges.map((merge) => merge.layerIds)).toEqual([['base', 'a', 'c', 'head']]);
    expect(all.discards).toEqual(['b', 'head', 'c', 'a']);
    expect(all.plan.bytesToMove).toBe(6);
  });

  it('does not ask a garbage layer that still has a row for its opinion', () => {
    const plan = planned(only('s2'), { layers: [...layers, layer('old', 'a', [9])] });
    expect(plan.discards).toEqual(['old', 'a']);
  });

  it('counts memory images among what is freed', () => {
    const withMemory = snapshots.map((one) => (one.id === 's3' ? snapshot('s3', 's1', { kind: 'DISK_AND_MEMORY', memoryBytes: 64 }) : one));
    const plan = planned(only('s3'), { snapshots: withMemory });
    expect(steps(plan)).toEqual(['DISCARD_MEMORY', 'DISCARD_LAYER b']);
    expect(plan.plan.bytesFreed).toBe(67);
    expect(plan.memoryOf).toEqual(['s3']);
  });

  it('thickens under a running machine, and says what it takes for a moment', () => {
    const plan = planned(only('s4'), { heads: [head('head', { isRunning: true })] });
    expect(steps(plan)).toEqual([
      'CREATE_LAYER volume-v.9.qcow2',
      'FREEZE_LAYER volume-v.9.qcow2',
      'COMMIT_LAYER c',
      'VERIFY_CHAIN',
      'DISCARD_LAYER head',
    ]);
    expect(plan.plan.peakExtraBytes).toBe(4 * 1024 * 1024 + 1);
  });

  it('shows what has to wait', () => {
    const heads = [head('head', { isRunning: true }), head('clone', { volumeId: 'w', machineId: 'n', isRunning: true })];
    const plan = planned(only('s2'), { layers: [...layers, { ...layer('clone', 'c'), volumeId: 'w' }], heads });
    expect(plan.deferred).toEqual([{ layerIds: ['a', 'c'], why: 'OPEN_IN_SEVERAL_MACHINES' }]);
    expect(steps(plan)).toEqual(['DEFER_MERGE c']);
  });
});

describe('a refusal to delete', () => {
  it.each<[string, { doomed: DeleteRequest['doomed']; of?: Partial<DeletableSnapshot> }, unknown]>([
    ['of what is not there', { doomed: only('elsewhere') }, { code: 'NOT_IN_TREE', snapshotId: 'elsewhere' }],
    ['of a locked one', { doomed: only('s2'), of: { isLocked: true } }, { code: 'SNAPSHOT_LOCKED', snapshotId: 's2' }],
    [
      'of a subtree with a locked one',
      { doomed: { snapshotIds: ['s1'], withDescendants: true }, of: { isLocked: true } },
      { code: 'SNAPSHOT_LOCKED', snapshotId: 's2' },
    ],
    [
      'of one in the making',
      { doomed: only('s2'), of: { state: 'CREATING' } },
      { code: 'SNAPSHOT_STATE', snapshotId: 's2', state: 'CREATING' },
    ],
    ['of more bytes than there are', { doomed: { freeBytes: 1000 } }, { code: 'NOTHING_TO_FREE', freeableBytes: 10 }],
  ])('%s says so', (_name, { doomed, of }, refusal) => {
    const tree = snapshots.map((one) => (one.id === 's2' ? { ...one, ...of } : one));
    expect(planDelete(request(doomed, { snapshots: tree }))).toEqual({ ok: false, refusal });
  });
});

describe('freeing bytes', () => {
  it('takes what frees most for what it moves, and no more than is asked', () => {
    expect(planned({ freeBytes: 3 }).doomed).toEqual(['s3']);
    // s1 and s2 both free as much as they move: the older goes.
    expect(planned({ freeBytes: 4 }).doomed).toEqual(['s1', 's3']);
  });

  it('never takes a locked one', () => {
    const tree = snapshots.map((one) => (one.id === 's3' ? { ...one, isLocked: true } : one));
    const plan = planned({ freeBytes: 2 }, { snapshots: tree });
    expect(plan.doomed).toEqual(['s2']);
    expect(plan.plan.bytesFreed).toBeGreaterThanOrEqual(2);
  });
});

describe('consolidating', () => {
  it('does what has become possible, and nothing where all is at its smallest', () => {
    const { doomed: _doomed, ...rest } = request(only());
    expect(planConsolidate(rest).plan.steps).toEqual([]);
    const left = planConsolidate({ ...rest, pins: pins.filter((one) => one.layerId !== 'a') });
    expect(left.merges.map((merge) => merge.targetId)).toEqual(['c']);
    expect(left.reparented).toEqual([]);
    expect(left.currentSnapshotId).toBe('s4');
  });
});
