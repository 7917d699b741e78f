import { describe, expect, it } from 'vitest';
import type { MachineHead } from '../model/forest-record.js';
import { type Layer, LayerForest } from '../model/layer-forest.js';
import { clusters, head, layer } from '../testing/forest-builders.js';
import { chooseMerge, type MergeChoice, type MergeSituation } from './choose-merge.js';
import { mergeCosts } from './merge-cost.js';

/** Chooses for the layers given, bottom first, all of one run; others are beside it in the forest. */
function choose(run: Layer[], changed: Partial<MergeSituation> & { others?: Layer[]; heads: MachineHead[] }): MergeChoice {
  return chooseMerge(run, {
    forest: new LayerForest([...run, ...(changed.others ?? [])]),
    checkpointedVolumeIds: new Set(),
    unpinnedNow: new Set(run.slice(0, -1).map((one) => one.id)),
    restLimitBytes: 50,
    costsOf: mergeCosts,
    liveMachineIds: null,
    ...changed,
  });
}

function merged(choice: MergeChoice) {
  if ('why' in choice) throw new Error(choice.why);
  const { targetId, how, thickens, leavesHead, commitBytes, pullBytes, repointIds, liveChildId } = choice.merge;
  return { targetId, how, thickens, leavesHead, commitBytes, pullBytes, repointIds, liveChildId };
}

const quiet = { thickens: null, leavesHead: false, repointIds: [], liveChildId: null };

describe('with nothing open', () => {
  it('merges into the file for which least is above and uncovered below', () => {
    // Into b: one cluster of c above, and of a only what neither b nor c holds.
    const run = [layer('a', null, clusters(0, 10)), layer('b', 'a', clusters(2, 40)), layer('c', 'b', [50])];
    expect(merged(choose(run, { heads: [head('c')] }))).toEqual({ ...quiet, targetId: 'b', how: 'OFFLINE', commitBytes: 1, pullBytes: 2 });
  });

  it('pulls on ties, because a pull spoils nothing', () => {
    const run = [layer('a', null, [1, 2]), layer('b', 'a', [3, 4])];
    expect(merged(choose(run, { heads: [head('b')] }))).toMatchObject({ targetId: 'b', commitBytes: 0, pullBytes: 2 });
  });

  it('re-points every child of the top after a commit', () => {
    const run = [layer('a', null, clusters(0, 9)), layer('b', 'a', [1])];
    const others = [layer('x', 'b'), layer('y', 'b')];
    expect(merged(choose(run, { heads: [head('x')], others }))).toMatchObject({ targetId: 'a', repointIds: ['x', 'y'] });
  });

  it('counts what is not measured with all that it occupies, and as covering nothing', () => {
    const run = [layer('a', null, clusters(0, 10)), { ...layer('b', 'a'), data: null, allocatedBytes: 30 }];
    expect(merged(choose(run, { heads: [head('b')] }))).toMatchObject({ targetId: 'b', pullBytes: 10 });
  });

  it('never commits content into the file of another volume', () => {
    const run = [layer('a', null, clusters(0, 9)), { ...layer('b', 'a', [1]), volumeId: 'clone' }];
    expect(merged(choose(run, { heads: [head('b', { volumeId: 'clone' })] }))).toMatchObject({ targetId: 'b' });
  });

  it('commits into a private raw base only under no head and without a checkpoint', () => {
    const run = [{ ...layer('a', null, clusters(0, 9)), format: 'raw' as const }, layer('b', 'a', [1])];
    const over = { others: [layer('h', 'b')], heads: [head('h')] };
    expect(merged(choose(run, over))).toMatchObject({ targetId: 'a' });
    expect(merged(choose(run, { ...over, checkpointedVolumeIds: new Set(['v']) }))).toMatchObject({ targetId: 'b' });
    expect(merged(choose(run, { heads: [head('b')] }))).toMatchObject({ targetId: 'b' });
  });

  it('leaves layers that get smaller upwards alone', () => {
    const run = [layer('a', null), { ...layer('b', 'a'), virtualBytes: 50 }];
    expect(choose(run, { heads: [head('b')] })).toEqual({ why: 'SIZE_SHRINKS' });
  });
});

describe('under the head of a running machine', () => {
  const running = head('c', { isRunning: true });

  it('pulls where the head holds more than is below it', () => {
    const run = [layer('a', null, [1]), layer('c', 'a', clusters(0, 30))];
    expect(merged(choose(run, { heads: [running] }))).toEqual({ ...quiet, targetId: 'c', how: 'LIVE', commitBytes: 0, pullBytes: 0 });
  });

  it('freezes the head under a thin one and commits it where that moves less', () => {
    const run = [layer('a', null, clusters(0, 30)), layer('c', 'a', [1, 2])];
    const choice = choose(run, { heads: [running] });
    expect(merged(choice)).toMatchObject({ targetId: 'a', how: 'LIVE', thickens: 'volume-v.9.qcow2', commitBytes: 2, pullBytes: 0 });
  });

  it('merges several below it into the lowest and leaves the head out where that moves least', () => {
    const run = [layer('a', null, clusters(0, 30)), layer('b', 'a', [1, 2, 3]), layer('c', 'b', clusters(40, 60))];
    const choice = choose(run, { heads: [running] });
    expect(merged(choice)).toEqual({
      ...quiet,
      targetId: 'a',
      how: 'LIVE',
      commitBytes: 3,
      pullBytes: 0,
      leavesHead: true,
      liveChildId: 'c',
    });
  });

  it('lets one layer rest below it until the head has grown, a merge was stopped half way, or a snapshot just let go of it', () => {
    const run = [layer('a', null, clusters(0, 60)), layer('c', 'a', clusters(0, 40))];
    const resting = { heads: [running], unpinnedNow: new Set<string>() };
    expect(choose(run, resting)).toEqual({ why: 'AT_REST' });
    expect(merged(choose(run, { ...resting, restLimitBytes: 40 })).targetId).toBe('c');
    expect(merged(choose([{ ...layer('a', null, clusters(0, 60)), isSpoiled: true }, run[1] ?? layer('c', 'a')], resting)).targetId).toBe(
      'c',
    );
    expect(merged(choose(run, { heads: [running] })).targetId).toBe('c');
  });

  it('waits for no stop where a detached disk only belongs to a running machine', () => {
    const run = [layer('a', null, clusters(0, 30)), layer('c', 'a', [1, 2])];
    expect(merged(choose(run, { heads: [{ ...running, target: null }] }))).toMatchObject({ how: 'OFFLINE', targetId: 'a' });
  });
});

describe('inside a running chain', () => {
  const over = (run: Layer[]) => ({
    others: [layer('h', run.at(-1)?.id ?? ''), layer('side', run.at(-1)?.id ?? '')],
    heads: [head('h', { isRunning: true })],
  });

  it('commits into the lowest, the only way there is; QEMU re-points its own, we the rest', () => {
    const run = [layer('a', null, [1, 2]), layer('b', 'a', [3, 4, 5])];
    expect(merged(choose(run, over(run)))).toMatchObject({
      how: 'LIVE',
      targetId: 'a',
      commitBytes: 3,
      liveChildId: 'h',
      repointIds: ['side'],
    });
  });

  it('waits for the stop where only the running machine makes it more than three times as dear', () => {
    const run = [layer('a', null, [1, 2]), layer('b', 'a', clusters(3, 10))];
    expect(choose(run, over(run))).toEqual({ why: 'CHEAPER_WHEN_STOPPED' });
  });

  it('waits where only a pull would be right', () => {
    const run = [layer('a', null, [1, 2]), { ...layer('b', 'a', [3]), volumeId: 'clone' }];
    expect(choose(run, over(run))).toEqual({ why: 'NOT_WHILE_RUNNING' });
  });

  it('waits where the running machine is none that may be asked', () => {
    const run = [layer('a', null, [1, 2]), layer('b', 'a', [3, 4, 5])];
    expect(choose(run, { ...over(run), liveMachineIds: new Set(['n']) })).toEqual({ why: 'OPEN_IN_ANOTHER_MACHINE' });
  });

  it('waits where two running machines have it open', () => {
    const run = [layer('a', null, [1, 2]), layer('b', 'a', [3])];
    const heads = [head('h', { isRunning: true }), head('side', { volumeId: 'clone', machineId: 'n', isRunning: true })];
    expect(choose(run, { ...over(run), heads })).toEqual({ why: 'OPEN_IN_SEVERAL_MACHINES' });
  });
});
