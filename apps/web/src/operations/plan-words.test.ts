import { describe, expect, it } from 'vitest';
import type { PlanStepKind } from '../../generated/graphql';
import {
  explainStep,
  groupByVolume,
  isPutOff,
  joinRemovals,
  listNames,
  namesTouched,
  sayCosts,
  sayInterruption,
  sayLayers,
} from './plan-words';

const volume = (target: string) => ({ id: `id-${target}`, name: `web-1-${target}`, target });
const step = (kind: PlanStepKind, target: string | null, ...names: string[]) => ({
  kind,
  description: `${kind} ${target ?? ''}`,
  bytesToMove: 0,
  volume: target === null ? null : volume(target),
  snapshots: names.map((name) => ({ id: `id-${name}`, name })),
});

describe('a plan in words', () => {
  it('puts the steps of each volume together, in their order', () => {
    const groups = groupByVolume([
      step('COMMIT_LAYER', 'vda'),
      step('COMMIT_LAYER', 'vdb'),
      step('DISCARD_LAYER', 'vda'),
      step('VERIFY_CHAIN', null),
    ]);
    expect(groups.map((group) => [group.volume?.target ?? null, group.steps.map(({ kind }) => kind)])).toEqual([
      ['vda', ['COMMIT_LAYER', 'DISCARD_LAYER']],
      ['vdb', ['COMMIT_LAYER']],
      [null, ['VERIFY_CHAIN']],
    ]);
  });

  it('explains what leaves bytes where they are, and nothing that explains itself', () => {
    expect([isPutOff('KEEP_SHARED_LAYER'), isPutOff('DEFER_MERGE'), isPutOff('PULL_LAYER')]).toEqual([true, true, false]);
    expect(explainStep('DROP_CHECKPOINT')).toContain('full');
    expect(explainStep('DISCARD_LAYER')).toBeNull();
  });

  it('calls layers by their numbers', () => {
    const file = (number: number) => `volume-5397fce1-787e-4a48-be0b-1d3d28f3d297.${number}.qcow2`;
    expect(sayLayers(`Let ${file(12)} name ${file(1)} as the layer below it.`)).toBe('Let layer 12 name layer 1 as the layer below it.');
    expect(sayLayers(`Make the empty layer ${file(4)}.`)).toBe('Make the empty layer 4.');
    expect(sayLayers('Remove volume-of-mine.qcow2.')).toBe('Remove volume-of-mine.qcow2.');
  });

  it('removes several layers of a volume in one breath', () => {
    const remove = (target: string, number: number) => ({
      ...step('DISCARD_LAYER', target),
      description: `Remove volume-5397fce1-787e-4a48-be0b-1d3d28f3d297.${number}.qcow2, which nothing reads any more.`,
    });
    const merge = step('COMMIT_LAYER', 'vda');
    const shown = joinRemovals([merge, remove('vda', 3), remove('vda', 12), remove('vda', 2), remove('vdb', 1)]);
    expect(shown.map(({ description }) => sayLayers(description))).toEqual([
      'COMMIT_LAYER vda',
      'Remove layers 2, 3 and 12, which nothing reads any more.',
      'Remove layer 1, which nothing reads any more.',
    ]);
  });

  it('names the costs, and leaves out what is nothing', () => {
    const nothing = { bytesToMove: 0, bytesFreed: 0, peakExtraBytes: 0, estimatedSeconds: null };
    expect(sayCosts(nothing)).toEqual([{ name: 'Moves', figure: 'nothing' }]);
    expect(sayCosts({ bytesToMove: 2 ** 20, bytesFreed: 2 ** 21, peakExtraBytes: 2 ** 22, estimatedSeconds: 90 })).toEqual([
      { name: 'Moves', figure: '1 MiB' },
      { name: 'Frees', figure: '2 MiB' },
      { name: 'Needs at most', figure: '4 MiB' },
      { name: 'Takes about', figure: '1 min 30 s' },
    ]);
    expect(sayCosts({ ...nothing, estimatedSeconds: 0 }).at(-1)?.figure).toBe('a second');
  });

  it('names each snapshot that is touched once', () => {
    expect(namesTouched({ steps: [step('COMMIT_LAYER', 'vda', 's2', 's3'), step('COMMIT_LAYER', 'vdb', 's2', 's4')] })).toEqual([
      's2',
      's3',
      's4',
    ]);
  });

  it('says what becomes of the machine', () => {
    expect(sayInterruption({ stopsMachine: true }, false)).toContain('switched off');
    expect(sayInterruption({ stopsMachine: false }, false)).toContain('runs on');
    expect(sayInterruption({ stopsMachine: true }, true)).toBe('The machine is off.');
  });

  it('lists names as people do', () => {
    expect([listNames([]), listNames(['a']), listNames(['a', 'b']), listNames(['a', 'b', 'c', 'd', 'e'])]).toEqual([
      'none',
      '“a”',
      '“a” and “b”',
      '“a”, “b”, “c” and 2 more',
    ]);
  });
});
