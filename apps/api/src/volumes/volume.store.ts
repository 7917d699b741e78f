import { decodeExtents, type Layer as ForestLayer } from '@coppice/snapshot-tree';
import type { Layer, StoragePool, Volume } from '../platform/generated/client.js';
import type { Reader, Transaction } from '../platform/database.js';

export type { Layer as LayerRow, StoragePool as PoolRow, Volume as VolumeRow };

/** Layers that one question may bring back: 64 disks of 256 layers. */
export const MAX_LAYERS = 16_384;

/** Attached volumes of these machines, in order of machine and target. */
export async function volumesOfMachines(reader: Reader, machineIds: readonly string[]): Promise<Volume[]> {
  return reader.volume.findMany({
    where: { virtualMachineId: { in: [...machineIds] } },
    orderBy: [{ virtualMachineId: 'asc' }, { target: 'asc' }],
  });
}

/**
 * Every layer that a head or a pin of these machines reads, down to the bases, also those of other volumes (templates, clones);
 * without layers that are not on disk. In no order.
 */
export async function layersOfMachines(reader: Reader, machineIds: readonly string[]): Promise<Layer[]> {
  const rows = await reader.$queryRaw<{ id: string }[]>`
    WITH RECURSIVE read AS (
      SELECT l.id, l.backing_layer_id FROM layer l
      WHERE l.state = 'PRESENT' AND l.id IN (
        SELECT head_layer_id FROM volume WHERE virtual_machine_id = ANY(${[...machineIds]}::uuid[])
        UNION
        SELECT d.layer_id FROM snapshot_disk d JOIN vm_snapshot s ON s.id = d.snapshot_id
        WHERE s.virtual_machine_id = ANY(${[...machineIds]}::uuid[]) AND s.state <> 'REMOVED')
      UNION
      SELECT b.id, b.backing_layer_id FROM layer b JOIN read r ON b.id = r.backing_layer_id
    ) SELECT id FROM read LIMIT ${MAX_LAYERS}`;
  return reader.layer.findMany({ where: { id: { in: rows.map((row) => row.id) } } });
}

/** Moves layers of an operation to another state; only from the state given. Answers how many moved. */
export async function moveLayers(
  transaction: Transaction,
  layerIds: readonly string[],
  move: { from: Layer['state']; to: Layer['state'] },
): Promise<number> {
  const moved = await transaction.layer.updateMany({ where: { id: { in: [...layerIds] }, state: move.from }, data: { state: move.to } });
  return moved.count;
}

/** A recorded layer as the planners see it. */
export function toLayer(row: Layer): ForestLayer {
  if (row.format !== 'qcow2' && row.format !== 'raw') throw new Error(`layer ${row.id} is recorded with the format ${row.format}`);
  return {
    id: row.id,
    volumeId: row.volumeId,
    fileName: row.fileName,
    format: row.format,
    backingLayerId: row.backingLayerId,
    virtualBytes: Number(row.virtualBytes),
    allocatedBytes: Number(row.allocatedBytes),
    isTemplate: row.isTemplate,
    data: row.dataMap === null ? null : decodeExtents(row.dataMap),
    isSpoiled: row.mergeState !== 'NONE',
  };
}

/** Layers of these volumes that nothing reads and whose files may still be there; as many as one command may name. */
export async function garbageOf(reader: Reader, volumes: readonly { id: string }[]): Promise<Layer[]> {
  const volumeIds = volumes.map((volume) => volume.id);
  return reader.layer.findMany({ where: { volumeId: { in: volumeIds }, state: 'DISCARDING' }, orderBy: { id: 'desc' }, take: 256 });
}
