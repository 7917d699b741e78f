import type { ForestRecord } from '../model/forest-record.js';
import { LayerForest, type Layer } from '../model/layer-forest.js';

/**
 * Says in sentences which invariants of domain.md the record breaks by itself; empty where it is sound. Asserted before and after every
 * change: a head is frozen by nobody and has no layer over it, pins and heads are layers of their own volume, every chain ends, nobody
 * holds on to a spoiled layer, no name is used twice, nothing is unreachable (invariant 2).
 */
export function checkForest(record: ForestRecord): string[] {
  const forest = new LayerForest(record.layers);
  const pinned = new Set(record.pins.map((pin) => pin.layerId));
  const heads = new Set(record.heads.map((head) => head.headLayerId));
  const reachable = forest.reachableFrom([...pinned, ...heads]);
  return [
    ...record.heads.flatMap((head) => headFindings(forest, pinned, head)),
    ...record.pins.flatMap((pin) => {
      const layer = forest.layer(pin.layerId);
      return layer.volumeId === pin.volumeId ? [] : [`snapshot ${pin.snapshotId} pins layer ${layer.id} of another volume`];
    }),
    ...repeated(record.pins.map((pin) => `snapshot ${pin.snapshotId} pins volume ${pin.volumeId}`)),
    ...repeated(record.heads.map((head) => `layer ${head.headLayerId} is a head`)),
    ...repeated(record.layers.map((layer) => `a layer has the file name ${layer.fileName}`)),
    ...record.layers.flatMap((layer) => layerFindings(forest, layer, { isHeld: pinned.has(layer.id) || heads.has(layer.id) })),
    ...record.layers
      .filter((layer) => !reachable.has(layer.id) && !layer.isTemplate)
      .map((layer) => `layer ${layer.id} (${layer.fileName}) is read by nothing`),
  ];
}

function headFindings(forest: LayerForest, pinned: ReadonlySet<string>, head: ForestRecord['heads'][number]): string[] {
  const layer = forest.layer(head.headLayerId);
  const findings: string[] = [];
  if (layer.volumeId !== head.volumeId) findings.push(`head ${layer.id} of volume ${head.volumeId} belongs to volume ${layer.volumeId}`);
  if (pinned.has(layer.id)) findings.push(`head ${layer.id} of volume ${head.volumeId} is pinned by a snapshot`);
  if (layer.isTemplate) findings.push(`head ${layer.id} of volume ${head.volumeId} is a template`);
  if (forest.childrenOf(layer.id).length > 0) findings.push(`head ${layer.id} of volume ${head.volumeId} has layers over it`);
  return findings;
}

/** A spoiled layer shows nobody's content: it has one reader, the layer over it, which covers all that is wrong in it. */
function layerFindings(forest: LayerForest, layer: Layer, { isHeld }: { isHeld: boolean }): string[] {
  const findings: string[] = [];
  if (layer.isSpoiled && isHeld) findings.push(`layer ${layer.id} is spoiled, and a snapshot or a machine holds on to it`);
  if (layer.isSpoiled && forest.childrenOf(layer.id).length > 1)
    findings.push(`layer ${layer.id} is spoiled, and several layers are over it`);
  if (layer.format === 'raw' && layer.backingLayerId !== null) findings.push(`layer ${layer.id} is raw, and over another`);
  return findings;
}

/** Each sentence that is there twice. */
function repeated(sentences: readonly string[]): string[] {
  const seen = new Set<string>();
  const again = new Set<string>();
  for (const sentence of sentences) {
    if (seen.has(sentence)) again.add(sentence);
    seen.add(sentence);
  }
  return [...again].map((sentence) => `${sentence} twice`);
}
