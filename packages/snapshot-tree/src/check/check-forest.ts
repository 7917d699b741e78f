import type { ForestRecord } from '../model/forest-record.js';
import { LayerForest } from '../model/layer-forest.js';

/**
 * Says in sentences which invariants of domain.md the record breaks; empty where it is sound. Asserted before and after every change:
 * a head is frozen by nobody and has no layer over it, pins and heads are layers of their own volume, every chain ends, nothing is
 * unreachable.
 */
export function checkForest(record: ForestRecord): string[] {
  const forest = new LayerForest(record.layers);
  const findings: string[] = [];
  const pinned = new Set(record.pins.map((pin) => pin.layerId));
  for (const head of record.heads) {
    const layer = forest.layer(head.headLayerId);
    if (layer.volumeId !== head.volumeId) findings.push(`head ${layer.id} of volume ${head.volumeId} belongs to volume ${layer.volumeId}`);
    if (pinned.has(layer.id)) findings.push(`head ${layer.id} of volume ${head.volumeId} is pinned by a snapshot`);
    if (forest.childrenOf(layer.id).length > 0) findings.push(`head ${layer.id} of volume ${head.volumeId} has layers over it`);
  }
  for (const pin of record.pins) {
    const layer = forest.layer(pin.layerId);
    if (layer.volumeId !== pin.volumeId) findings.push(`snapshot ${pin.snapshotId} pins layer ${layer.id} of another volume`);
  }
  const reachable = forest.reachableFrom([...pinned, ...record.heads.map((head) => head.headLayerId)]);
  for (const layer of record.layers) {
    if (!reachable.has(layer.id) && !layer.isTemplate) findings.push(`layer ${layer.id} (${layer.fileName}) is read by nothing`);
  }
  return findings;
}
