/**
 * What goes with a machine, and what stays because others read it. Pure.
 *
 *   a layer that only this machine's heads and snapshots read   → discarded, readers before what they read
 *   a layer that a head or a snapshot of another reads          → stays, and belongs to that reader's volume from now on (charged once)
 *   a template                                                  → stays
 */
import { type Layer, LayerForest } from '@coppice/snapshot-tree';
import type { MachineFacts } from '../machine-facts.store.js';

/** A layer that another volume has from now on. */
export type HandedOver = { layerId: string; volumeId: string };

export type DestroyPlan = { discarded: Layer[]; handedOver: HandedOver[] };

/** See the file's head. */
export function planDestroy(facts: MachineFacts): DestroyPlan {
  const forest = new LayerForest(facts.layers);
  const readers = readersOf(facts, forest);
  const own = new Set(facts.volumes.map((volume) => volume.id));
  const reads = forest.reachableFrom([...ownRoots(facts)]);
  const concerned = facts.layers.filter((layer) => reads.has(layer.id) || own.has(layer.volumeId));
  const staying = new Set(
    facts.layers.filter((layer) => layer.isTemplate).flatMap((layer) => forest.chainOf(layer.id).map(({ id }) => id)),
  );
  const gone = concerned.filter((layer) => !readers.has(layer.id) && !staying.has(layer.id));
  const depth = new Map(gone.map((layer) => [layer.id, forest.chainOf(layer.id).length]));
  gone.sort((a, b) => (depth.get(b.id) ?? 0) - (depth.get(a.id) ?? 0));
  return {
    discarded: gone,
    handedOver: concerned.flatMap((layer) => {
      const volumeId = readers.get(layer.id);
      return volumeId !== undefined && own.has(layer.volumeId) && !own.has(volumeId) ? [{ layerId: layer.id, volumeId }] : [];
    }),
  };
}

function ownRoots({ heads, pins, snapshots, machine }: MachineFacts): string[] {
  const ownSnapshots = new Set(snapshots.map((snapshot) => snapshot.id));
  return [
    ...heads.filter((head) => head.machineId === machine.id).map((head) => head.headLayerId),
    ...pins.filter((pin) => ownSnapshots.has(pin.snapshotId)).map((pin) => pin.layerId),
  ];
}

/** Layer id → the volume of somebody else that reads it; of several the one with the lowest id. */
function readersOf({ heads, pins, snapshots, machine }: MachineFacts, forest: LayerForest): Map<string, string> {
  const ownSnapshots = new Set(snapshots.map((snapshot) => snapshot.id));
  const roots = [
    ...heads.filter((head) => head.machineId !== machine.id).map(({ headLayerId, volumeId }) => ({ layerId: headLayerId, volumeId })),
    ...pins.filter((pin) => !ownSnapshots.has(pin.snapshotId)),
  ].sort((a, b) => (a.volumeId < b.volumeId ? -1 : 1));
  const readers = new Map<string, string>();
  for (const { layerId, volumeId } of roots) {
    for (const layer of forest.chainOf(layerId)) if (!readers.has(layer.id)) readers.set(layer.id, volumeId);
  }
  return readers;
}
