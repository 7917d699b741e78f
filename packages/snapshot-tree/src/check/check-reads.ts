import type { ForestRecord } from '../model/forest-record.js';
import { LayerForest } from '../model/layer-forest.js';
import type { Merge } from '../plan/merge.js';

/**
 * Invariant 1 over the record: says in sentences which snapshot or head would read other layers after a change than before it. A chain
 * may differ only by the merges given, each of which shows what it showed, and a head may have gone on in one new layer. Snapshots and
 * volumes that are in one record only are nobody's change.
 */
export function checkReads(before: ForestRecord, after: ForestRecord, merges: readonly Merge[]): string[] {
  const known = new Set(before.layers.map((layer) => layer.id));
  const earlier = readersOf(before);
  const findings: string[] = [];
  for (const [reader, chain] of readersOf(after)) {
    const had = earlier.get(reader);
    if (!had) continue;
    const expected = merges.reduce(mergedChain, had).join(' < ');
    const [top, ...below] = chain;
    const isFresh = reader.startsWith('head') && top !== undefined && !known.has(top);
    const now = (isFresh ? below : chain).join(' < ');
    if (now !== expected) findings.push(`${reader} read ${expected} and would read ${now}`);
  }
  return findings;
}

/** Each reader with its chain, topmost first. */
function readersOf(record: ForestRecord): Map<string, string[]> {
  const forest = new LayerForest(record.layers);
  const chain = (id: string) => forest.chainOf(id).map((layer) => layer.id);
  return new Map([
    ...record.pins.map((pin) => [`snapshot ${pin.snapshotId} of volume ${pin.volumeId}`, chain(pin.layerId)] as const),
    ...record.heads.map((head) => [`head of volume ${head.volumeId}`, chain(head.headLayerId)] as const),
  ]);
}

/** Only a reader of the merge's top reads its layers at all; one that would read them from the middle is left to differ. */
function mergedChain(chain: readonly string[], merge: Merge): string[] {
  const at = chain.indexOf(merge.layerIds.at(-1) ?? '');
  if (at < 0) return [...chain];
  return [...chain.slice(0, at), merge.targetId, ...chain.slice(at + merge.layerIds.length)];
}
