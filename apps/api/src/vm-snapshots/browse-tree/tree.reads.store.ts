/** Reads whole snapshot trees with what lies on disk behind them, each at one moment of the database. */
import type { AccessScope } from '../../access/principal.js';
import { ownedBy } from '../../access/scope.js';
import type { Database } from '../../platform/database.js';
import { type LayerRow, layersOfVolumes } from '../../volumes/layer.reads.store.js';
import { type PinRecord, pinsOfSnapshots, SNAPSHOT_COLUMNS, type SnapshotRecord, toSnapshotRecord } from '../snapshot.reads.store.js';

/** Everything that a tree's answer is computed from. */
export type TreeRows = {
  machineId: string;
  revision: number;
  currentSnapshotId: string | null;
  headSince: Date | null;
  snapshots: SnapshotRecord[];
  pins: PinRecord[];
  layers: LayerRow[];
  headLayerIds: string[];
};

/**
 * The trees of these machines, in no order. One REPEATABLE READ transaction: a revision is never newer than the nodes beside it, and no
 * pin names a layer that the next statement does not see.
 */
export async function readTrees(database: Database, scope: AccessScope, machineIds: readonly string[]): Promise<TreeRows[]> {
  return database.$transaction(
    async (reader) => {
      const machines = await reader.virtualMachine.findMany({
        where: { id: { in: [...machineIds] }, ...ownedBy(scope) },
        select: { id: true, treeRevision: true, currentSnapshotId: true, headSince: true },
      });
      const ids = machines.map((machine) => machine.id);
      const snapshots = await reader.vmSnapshot.findMany({
        where: { virtualMachineId: { in: ids }, state: { not: 'REMOVED' } },
        include: SNAPSHOT_COLUMNS,
        orderBy: { id: 'asc' },
      });
      const pins = await pinsOfSnapshots(
        reader,
        snapshots.map((snapshot) => snapshot.id),
      );
      const heads = await reader.volume.findMany({
        where: { virtualMachineId: { in: ids } },
        select: { id: true, virtualMachineId: true, headLayerId: true },
      });
      const detached = await reader.volume.findMany({
        where: { id: { in: pins.map((pin) => pin.volumeId) }, virtualMachineId: null },
        select: { id: true, headLayerId: true },
      });
      const volumeIds = new Set([...heads.map((volume) => volume.id), ...pins.map((pin) => pin.volumeId)]);
      const layers = await layersOfVolumes(reader, [...volumeIds]);
      return machines.map((machine) => {
        const own = snapshots.filter((snapshot) => snapshot.virtualMachineId === machine.id).map(toSnapshotRecord);
        const ownIds = new Set(own.map((snapshot) => snapshot.id));
        const ownPins = pins.filter((pin) => ownIds.has(pin.snapshotId));
        const pinnedVolumes = new Set(ownPins.map((pin) => pin.volumeId));
        const ownHeads = [
          ...heads.filter((volume) => volume.virtualMachineId === machine.id),
          ...detached.filter((volume) => pinnedVolumes.has(volume.id)),
        ];
        const ownVolumes = new Set([...ownHeads.map((volume) => volume.id), ...pinnedVolumes]);
        return {
          machineId: machine.id,
          revision: machine.treeRevision,
          currentSnapshotId: machine.currentSnapshotId,
          headSince: machine.headSince,
          snapshots: own,
          pins: ownPins,
          layers: reachable(layers, ownVolumes),
          headLayerIds: ownHeads.flatMap((volume) => (volume.headLayerId === null ? [] : [volume.headLayerId])),
        };
      });
    },
    { isolationLevel: 'RepeatableRead' },
  );
}

/** The layers of these volumes and all below them; the rest was read for another machine. */
function reachable(layers: readonly LayerRow[], volumeIds: ReadonlySet<string>): LayerRow[] {
  const byId = new Map(layers.map((layer) => [layer.id, layer]));
  const found = new Map<string, LayerRow>();
  for (const layer of layers) {
    if (!volumeIds.has(layer.volumeId)) continue;
    for (let at: LayerRow | undefined = layer; at && !found.has(at.id); at = byId.get(at.backingLayerId ?? '')) found.set(at.id, at);
  }
  return [...found.values()];
}
