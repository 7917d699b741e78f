import type { LayerForest, Pin, VolumeHead } from './layer-forest.js';

/** Bytes on disk of what one snapshot reads, by who else reads it. Deleting it discards `exclusiveBytes` without moving a byte. */
export type SpaceUse = { exclusiveBytes: number; sharedBytes: number; retainedBytes: number };

/** Everything that keeps layers alive in one machine: what its snapshots pin and what its volumes write. */
export type Roots = { pins: readonly Pin[]; heads: readonly VolumeHead[] };

/**
 * Splits what `snapshotId` reads: exclusive where nothing else reads it, retained where no snapshot pins it and several layers were
 * written over it, shared for the rest.
 */
export function spaceOfSnapshot(forest: LayerForest, roots: Roots, snapshotId: string): SpaceUse {
  const own = roots.pins.filter((pin) => pin.snapshotId === snapshotId).map((pin) => pin.layerId);
  const pinnedByOthers = roots.pins.filter((pin) => pin.snapshotId !== snapshotId).map((pin) => pin.layerId);
  const others = forest.reachableFrom([...pinnedByOthers, ...roots.heads.map((head) => head.headLayerId)]);
  const retained = new Set(retainedLayers(forest, roots).map((layer) => layer.id));
  const space: SpaceUse = { exclusiveBytes: 0, sharedBytes: 0, retainedBytes: 0 };
  for (const id of forest.reachableFrom(own)) {
    const bytes = forest.layer(id).allocatedBytes;
    if (!others.has(id)) space.exclusiveBytes += bytes;
    else if (retained.has(id)) space.retainedBytes += bytes;
    else space.sharedBytes += bytes;
  }
  return space;
}

/** Frozen layers that no snapshot pins any more but that two or more layers were written over (domain.md, "retained layer"). */
export function retainedLayers(forest: LayerForest, roots: Roots) {
  const pinned = new Set(roots.pins.map((pin) => pin.layerId));
  const heads = new Set(roots.heads.map((head) => head.headLayerId));
  return forest
    .layers()
    .filter((layer) => !layer.isTemplate && !pinned.has(layer.id) && !heads.has(layer.id) && forest.childrenOf(layer.id).length >= 2);
}
