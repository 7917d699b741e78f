import { describe, expect, it } from 'vitest';
import type { ForestRecord } from '../model/forest-record.js';
import { applyMerge, type Merge } from '../plan/merge.js';
import { layer, offlineMerge } from '../testing/forest-builders.js';
import { checkFiles } from './check-files.js';
import { checkForest } from './check-forest.js';
import { checkReads } from './check-reads.js';

/** base ◀ a ◀ b ◀ head, with s2 on b. */
function record(changed: Partial<ForestRecord> = {}): ForestRecord {
  return {
    layers: [layer('base', null), layer('a', 'base'), layer('b', 'a'), layer('head', 'b')],
    heads: [{ volumeId: 'v', target: 'vda', headLayerId: 'head', nextLayerNumber: 9 }],
    pins: [{ snapshotId: 's2', volumeId: 'v', layerId: 'b' }],
    ...changed,
  };
}

const merge: Merge = offlineMerge(['base', 'a', 'b'], 'base');

describe('the check of a record by itself', () => {
  it('finds nothing in a sound one', () => {
    expect(checkForest(record())).toEqual([]);
  });

  it.each<[string, Partial<ForestRecord>, string]>([
    ['a pinned head', { pins: [{ snapshotId: 's', volumeId: 'v', layerId: 'head' }] }, 'head head of volume v is pinned by a snapshot'],
    ['a pin of another volume', { pins: [{ snapshotId: 's', volumeId: 'w', layerId: 'b' }] }, 'snapshot s pins layer b of another volume'],
    ['a layer over a head', { layers: [...record().layers, layer('x', 'head')] }, 'head head of volume v has layers over it'],
    ['a layer that nothing reads', { layers: [...record().layers, layer('x', 'a')] }, 'layer x (x) is read by nothing'],
    [
      'a spoiled layer that a snapshot holds on to',
      { layers: record().layers.map((one) => (one.id === 'b' ? { ...one, isSpoiled: true } : one)) },
      'layer b is spoiled, and a snapshot or a machine holds on to it',
    ],
    [
      'a raw layer over another',
      { layers: record().layers.map((one) => (one.id === 'a' ? { ...one, format: 'raw' as const } : one)) },
      'layer a is raw, and over another',
    ],
    ['two pins of one volume', { pins: [...record().pins, ...record().pins] }, 'snapshot s2 pins volume v twice'],
  ])('finds %s', (_name, changed, finding) => {
    expect(checkForest(record(changed))).toContain(finding);
  });
});

describe('the check of what readers read', () => {
  it('finds nothing where a chain differs by a merge', () => {
    expect(checkReads(record(), applyMerge(record(), merge), [merge])).toEqual([]);
  });

  it('finds a chain that lost a layer, and names its reader', () => {
    const layers = record().layers.map((one) => (one.id === 'b' ? { ...one, backingLayerId: 'base' } : one));
    expect(checkReads(record(), record({ layers }), [])).toEqual([
      'snapshot s2 of volume v read b < a < base and would read b < base',
      'head of volume v read head < b < a < base and would read head < b < base',
    ]);
  });

  it('lets a head go on in one new layer, and in no other', () => {
    const on = (backing: string) =>
      record({
        layers: [...record().layers, layer('new', backing)],
        heads: record().heads.map((head) => ({ ...head, headLayerId: 'new' })),
      });
    expect(checkReads(record(), on('head'), [])).toEqual([]);
    expect(checkReads(record(), on('b'), [])).toHaveLength(1);
  });
});

describe('the check of files', () => {
  const files = [
    { fileName: 'base', backingFileName: null },
    { fileName: 'a', backingFileName: 'base' },
    { fileName: 'b', backingFileName: 'a' },
    { fileName: 'head', backingFileName: 'b' },
  ];

  it('finds nothing where files are as recorded, and lets an operation have its own', () => {
    expect(checkFiles(record(), [...files, { fileName: 'made', backingFileName: null }], new Set(['made']))).toEqual([]);
  });

  it('finds what is missing, what is not recorded and what is over another file', () => {
    const found = [...files.slice(1, 3), { fileName: 'head', backingFileName: 'a' }, { fileName: 'stray', backingFileName: null }];
    expect(checkFiles(record(), found, new Set()).map((finding) => `${finding.code} ${finding.fileName}`)).toEqual([
      'MISSING_FILE base',
      'OTHER_BACKING_FILE head',
      'UNKNOWN_FILE stray',
    ]);
  });
});
