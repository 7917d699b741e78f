import { describe, expect, it } from 'vitest';
import { codeOf, someFacts, someHost, someLayer, someLayerRow, someSnapshot, someVolume } from '../../testing/machine-facts.js';
import type { MachineFacts } from '../../machines/machine-facts.store.js';
import { decideConsolidate, decideDelete, obstacleTo } from './decide-delete.js';
import { programOf } from './delete-program.js';

const VOLUME = '00000000-0000-4000-8000-000000000000';
const layer = (n: number, below: number | null, changed: Parameters<typeof someLayer>[1] = {}) =>
  someLayer(`l${n}`, { volumeId: VOLUME, backingLayerId: below === null ? null : `l${below}`, ...changed });
const head = (headLayerId: string, changed: Partial<MachineFacts['heads'][number]> = {}) => ({
  volumeId: VOLUME,
  target: 'vda',
  headLayerId,
  nextLayerNumber: 9,
  machineId: 'm',
  isRunning: false,
  ...changed,
});
const pin = (snapshotId: string, layerId: string) => ({ snapshotId, volumeId: VOLUME, layerId });

/** base ◀─ l0(s1) ◀─ l1(s2) ◀─ l2(s3) ◀─ l3, stopped. */
function facts(changed: Parameters<typeof someFacts>[0] = {}): MachineFacts {
  return someFacts({
    volumes: [someVolume({ id: VOLUME, headLayerId: 'l3' })],
    poolNames: new Map([[VOLUME, 'pool']]),
    layers: [layer(0, null), layer(1, 0), layer(2, 1), layer(3, 2)],
    heads: [head('l3')],
    pins: [pin('s1', 'l0'), pin('s2', 'l1'), pin('s3', 'l2')],
    snapshots: [someSnapshot('s1'), someSnapshot('s2', { parentId: 's1' }), someSnapshot('s3', { parentId: 's2' })],
    ...changed,
    machine: { state: 'STOPPED', powerState: 'OFF', currentSnapshotId: 's3', ...changed.machine },
  });
}

const nothing = { virtualMachineId: 'm', snapshotIds: null, withDescendants: false, freeBytes: null, planHash: null, idempotencyKey: null };
const s2 = { ...nothing, snapshotIds: ['s2'] };

function planOf(request: typeof s2, known = facts()) {
  const decided = decideDelete(request, known);
  if (!decided.ok) throw new Error(decided.refusals[0].message);
  return decided.value.plan;
}

describe('what is refused', () => {
  it.each([
    ['neither snapshots nor bytes', nothing, {}, 'INVALID_INPUT'],
    ['both', { ...s2, freeBytes: 1 }, {}, 'INVALID_INPUT'],
    ['no snapshot', { ...nothing, snapshotIds: [] }, {}, 'INVALID_INPUT'],
    ['no byte', { ...nothing, freeBytes: 0 }, {}, 'INVALID_INPUT'],
    ['more bytes than there are', { ...nothing, freeBytes: 1e9 }, {}, 'INVALID_INPUT'],
    ['a stranger’s snapshot', { ...nothing, snapshotIds: ['x'] }, {}, 'NOT_FOUND'],
    ['a machine that is held', s2, { holder: 'o' }, 'MACHINE_BUSY'],
    ['a merge that stopped half-way', s2, { layerRows: [someLayerRow('l', { mergeState: 'REPOINTED', mergedBy: 'o' })] }, 'MACHINE_BUSY'],
    ['drift', s2, { driftCodes: ['CHAIN_DIFFERS'] }, 'MACHINE_DRIFTED'],
    ['an unknown power state', s2, { machine: { state: 'UNKNOWN' as const, powerState: 'UNKNOWN' as const } }, 'MACHINE_STATE'],
    ['a host that is away', s2, { machine: { host: someHost({ state: 'DISCONNECTED' }) } }, 'HOST_UNAVAILABLE'],
    ['another plan', { ...s2, planHash: 'other' }, {}, 'PLAN_CHANGED'],
    ['one in the making', s2, { snapshots: [someSnapshot('s2', { state: 'CREATING' })] }, 'SNAPSHOT_STATE'],
  ])('%s', (...[, request, changed, code]) => {
    expect(codeOf(decideDelete(request, facts(changed)))).toBe(code);
  });

  it('a locked one, by its name, also among descendants', () => {
    const snapshots = [
      someSnapshot('s1'),
      someSnapshot('s2', { parentId: 's1' }),
      someSnapshot('s3', { parentId: 's2', locked: true, name: 'keep' }),
    ];
    const decided = decideDelete({ ...nothing, snapshotIds: ['s1'], withDescendants: true }, facts({ snapshots }));
    expect(decided).toMatchObject({ refusals: [{ code: 'SNAPSHOT_LOCKED', message: expect.stringContaining('“keep”') }] });
    expect(obstacleTo('s3', facts({ snapshots }))?.code).toBe('SNAPSHOT_LOCKED');
    expect(obstacleTo('s2', facts({ snapshots }))).toBeNull();
  });

  it('a pool without room for what is merged', () => {
    const big = { allocatedBytes: 500 };
    const known = facts({
      layers: [layer(0, null), layer(1, 0, big), layer(2, 1, big), layer(3, 2, { virtualBytes: 64 })],
      volumes: [someVolume({ id: VOLUME, headLayerId: 'l3', pool: { availableBytes: 10n } })],
    });
    expect(codeOf(decideDelete(s2, known))).toBe('INSUFFICIENT_SPACE');
  });
});

describe('what is done', () => {
  it('an inner one: a merge, a child with another parent, a discard', () => {
    const plan = planOf(s2);
    expect(plan).toMatchObject({ doomed: ['s2'], reparented: [{ snapshotId: 's3', parentId: 's1' }], currentSnapshotId: 's3' });
    const { program, record } = programOf(plan, facts());
    expect(program.map((stage) => stage.body.verb)).toEqual(['merge-layers', 'discard-layers']);
    expect(record.parts.map((part) => part.does)).toEqual(['MERGE', 'DISCARD']);
    const [merge] = program;
    expect(merge?.body).toMatchObject({ how: 'OFFLINE', target: 'vda', runLength: 2, chain: [{}, {}, {}], above: [{}] });
    const positions = program.flatMap((stage) => stage.steps).toSorted((a, b) => a - b);
    expect(positions).toEqual(plan.plan.steps.map((_step, at) => at));
  });

  it('the current one: its nearest surviving ancestor becomes current', () => {
    expect(planOf({ ...nothing, snapshotIds: ['s3', 's2'] }).currentSnapshotId).toBe('s1');
    expect(planOf({ ...nothing, snapshotIds: ['s1'], withDescendants: true })).toMatchObject({
      currentSnapshotId: null,
      doomed: ['s1', 's2', 's3'],
    });
  });

  it('the memory and NVRAM of what goes, by their recorded names', () => {
    const snapshots = [someSnapshot('s1', { kind: 'DISK_AND_MEMORY', filePool: 'other', hasNvram: true })];
    const known = facts({ snapshots, machine: { currentSnapshotId: 's1' } });
    const { program } = programOf(planOf({ ...nothing, snapshotIds: ['s1'] }, known), known);
    expect(program.at(-1)?.body).toMatchObject({
      snapshotFiles: [
        { pool: 'other', fileName: 'snapshot-s1.mem' },
        { pool: 'other', fileName: 'snapshot-s1.nvram' },
      ],
    });
  });

  it('more files than one command names go in several', () => {
    const leaves = Array.from({ length: 300 }, (_, n) => layer(100 + n, 0));
    const known = facts({ layers: [layer(0, null), layer(1, 0), layer(2, 1), layer(3, 2), ...leaves] });
    const { program } = programOf(planOf(s2, known), known);
    const discards = program.flatMap(({ body }) => (body.verb === 'discard-layers' ? [body.layers.length] : []));
    expect(discards).toEqual([256, 45]);
  });

  it('a base that others share is merged in neither direction', () => {
    const known = facts({ layers: [layer(0, null, { isTemplate: true }), layer(1, 0), layer(2, 1), layer(3, 2)] });
    expect(planOf({ ...nothing, snapshotIds: ['s1'] }, known).merges).toEqual([]);
  });
});

describe('what is due by itself', () => {
  const half = facts({
    layers: [layer(0, null), layer(1, 0, { isSpoiled: true }), layer(2, 1), layer(3, 2)],
    pins: [pin('s1', 'l0'), pin('s3', 'l2')],
  });

  it('a layer that no snapshot names any more', () => {
    const decided = decideConsolidate(facts({ pins: [pin('s1', 'l0'), pin('s3', 'l2')] }), { goesOn: false });
    expect(decided.ok && decided.value.plan.merges).toHaveLength(1);
  });

  it('a spoiled one only where that is asked for', () => {
    const [alone, asked] = [decideConsolidate(half, { goesOn: false }), decideConsolidate(half, { goesOn: true })];
    expect(alone.ok && alone.value.plan.merges).toHaveLength(0);
    expect(asked.ok && asked.value.plan.merges).toHaveLength(1);
  });
});
