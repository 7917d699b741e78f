import type { ForestRecord } from '../model/forest-record.js';
import { type Layer, LayerForest } from '../model/layer-forest.js';

/**
 * The maximal runs of layers that could be one, each bottom first: layers that no snapshot pins and that have one child each, and last
 * the layer over them, which is pinned, written, or has several children. Templates are in none. The record is without garbage. A run
 * comes before those over it.
 */
export function mergeRuns(record: ForestRecord): Layer[][] {
  const forest = new LayerForest(record.layers);
  const rooted = rootedLayerIds(record);
  const isPassedThrough = (layer: Layer) => !layer.isTemplate && !rooted.has(layer.id) && forest.childrenOf(layer.id).length === 1;
  const runs = record.layers.flatMap((top) => {
    if (top.isTemplate || isPassedThrough(top)) return [];
    const run = [top];
    for (let below = top.backingLayerId; below !== null; ) {
      const layer = forest.layer(below);
      if (!isPassedThrough(layer)) break;
      run.unshift(layer);
      below = layer.backingLayerId;
    }
    return run.length > 1 ? [{ run, depth: forest.chainOf(top.id).length }] : [];
  });
  return runs.toSorted((a, b) => a.depth - b.depth).map(({ run }) => run);
}

/** Layers without a reader (invariant 2), each after those over it. Templates are read by whoever comes. */
export function unreachableLayers(record: ForestRecord): Layer[] {
  const forest = new LayerForest(record.layers);
  const templates = record.layers.filter((layer) => layer.isTemplate).map((layer) => layer.id);
  const reachable = forest.reachableFrom([...rootedLayerIds(record), ...templates]);
  const garbage = record.layers.filter((layer) => !reachable.has(layer.id));
  const depths = new Map(garbage.map((layer) => [layer.id, forest.chainOf(layer.id).length]));
  return garbage.toSorted((a, b) => (depths.get(b.id) ?? 0) - (depths.get(a.id) ?? 0));
}

/** The record with only these layers left out. */
export function withoutLayers<R extends ForestRecord>(record: R, layers: readonly Layer[]): R {
  const gone = new Set(layers.map((layer) => layer.id));
  return gone.size === 0 ? record : { ...record, layers: record.layers.filter((layer) => !gone.has(layer.id)) };
}

function rootedLayerIds(record: ForestRecord): Set<string> {
  return new Set([...record.pins.map((pin) => pin.layerId), ...record.heads.map((head) => head.headLayerId)]);
}
