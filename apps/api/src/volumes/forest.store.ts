import type { Pin } from '@coppice/snapshot-tree';
import type { HeadFacts } from '../machines/machine-facts.store.js';
import type { Reader } from '../platform/database.js';
import { type LayerRow, MAX_LAYERS, type PoolRow, type VolumeRow } from './volume.store.js';

/** A forest as recorded, with everything that holds on to it. */
type RecordedForest = { layers: LayerRow[]; volumes: (VolumeRow & { pool: PoolRow })[]; pins: Pin[]; heads: HeadFacts[] };

/**
 * The forest that a machine's volumes and snapshots read: down to the bases, then everything that was written over any of it, whoever
 * wrote it. Layers that are not on disk (PLANNED, DISCARDING, DISCARDED) are left out. `alsoVolumeIds`: volumes that it is to get.
 */
export async function forestOfMachine(reader: Reader, machineId: string, alsoVolumeIds: readonly string[] = []): Promise<RecordedForest> {
  const rows = await reader.$queryRaw<{ id: string }[]>`
    WITH RECURSIVE below AS (
      SELECT l.id, l.backing_layer_id FROM layer l
      WHERE l.state = 'PRESENT' AND l.id IN (
        SELECT head_layer_id FROM volume WHERE virtual_machine_id = ${machineId}::uuid OR id = ANY(${[...alsoVolumeIds]}::uuid[])
        UNION
        SELECT d.layer_id FROM snapshot_disk d JOIN vm_snapshot s ON s.id = d.snapshot_id
        WHERE s.virtual_machine_id = ${machineId}::uuid AND s.state <> 'REMOVED')
      UNION
      SELECT b.id, b.backing_layer_id FROM layer b JOIN below r ON b.id = r.backing_layer_id
    ), around AS (
      SELECT id FROM below
      UNION
      SELECT c.id FROM layer c JOIN around a ON c.backing_layer_id = a.id WHERE c.state = 'PRESENT'
    ) SELECT id FROM around LIMIT ${MAX_LAYERS}`;
  const ids = rows.map((row) => row.id);
  const layers = await reader.layer.findMany({ where: { id: { in: ids } }, orderBy: { id: 'asc' } });
  const pins = await reader.snapshotDisk.findMany({
    where: { layerId: { in: ids }, snapshot: { state: { not: 'REMOVED' } } },
    select: { snapshotId: true, volumeId: true, layerId: true },
  });
  const volumeIds = [...new Set([...layers.map((layer) => layer.volumeId), ...pins.map((pin) => pin.volumeId)])];
  const volumes = await reader.volume.findMany({
    where: { OR: [{ id: { in: [...volumeIds, ...alsoVolumeIds] } }, { virtualMachineId: machineId }] },
    include: { pool: true, virtualMachine: { select: { powerState: true } } },
    orderBy: { id: 'asc' },
  });
  const known = new Set(ids);
  const heads = volumes.flatMap(({ id, target, headLayerId, nextLayerNumber, virtualMachineId, virtualMachine }) =>
    headLayerId !== null && known.has(headLayerId)
      ? [
          {
            volumeId: id,
            target,
            headLayerId,
            nextLayerNumber,
            machineId: virtualMachineId,
            isRunning: virtualMachine !== null && virtualMachine.powerState !== 'OFF',
          },
        ]
      : [],
  );
  return { layers, volumes, pins, heads };
}
