import { type LayersMeasured, MEASURED_AT_ONCE } from '@coppice/protocol';
import type { Reader, Transaction } from '../../platform/database.js';
import { forestOfMachine } from '../forest.store.js';

/** A layer that a host is asked to look at, and what it was when it was asked. */
export type AskedLayer = { id: string; pool: string; fileName: string; format: 'qcow2' | 'raw'; isFrozen: boolean };

/**
 * Layers of a machine's forest that have to be looked at: frozen ones once, what is written each time. Bases that others share are in no
 * merge. At most as many as one request holds.
 */
export async function layersToMeasure(reader: Reader, machineId: string): Promise<AskedLayer[]> {
  const { layers, volumes } = await forestOfMachine(reader, machineId);
  const pools = new Map(volumes.map((volume) => [volume.id, volume.pool.name]));
  return layers
    .filter((layer) => !layer.isTemplate && layer.mergeState === 'NONE' && (layer.dataMap === null || !layer.isFrozen))
    .flatMap(({ id, volumeId, fileName, format, isFrozen }): AskedLayer[] => {
      const pool = pools.get(volumeId);
      return pool === undefined ? [] : [{ id, pool, fileName, format: format === 'raw' ? 'raw' : 'qcow2', isFrozen }];
    })
    .slice(0, MEASURED_AT_ONCE);
}

/** Machines of these hosts, at rest, with a frozen layer that was never looked at. At most fifty. */
export async function machinesToMeasure(reader: Reader, hostIds: readonly string[]): Promise<{ machineId: string; hostId: string }[]> {
  return reader.$queryRaw<{ machineId: string; hostId: string }[]>`
    SELECT DISTINCT m.id AS "machineId", m.host_id AS "hostId"
    FROM virtual_machine m JOIN volume v ON v.virtual_machine_id = m.id JOIN layer l ON l.volume_id = v.id
    WHERE m.host_id = ANY(${[...hostIds]}::uuid[]) AND m.project_id IS NOT NULL AND m.drift IS NULL
      AND l.state = 'PRESENT' AND l.is_frozen AND NOT l.is_template AND l.data_map IS NULL AND l.merge_state = 'NONE'
      AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.resource = 'machine:' || m.id)
    ORDER BY 1 LIMIT 50`;
}

/** The host that has the machine; null where there is no such machine. */
export async function hostOfMachine(reader: Reader, machineId: string): Promise<string | null> {
  const machine = await reader.virtualMachine.findUnique({ where: { id: machineId }, select: { hostId: true } });
  return machine?.hostId ?? null;
}

type Found = LayersMeasured['layers'];

/**
 * Records what a host found of the layers that it was asked for. Left out: what was frozen, merged, or measured again meanwhile, because the
 * answer may be of before.
 */
export async function recordMeasured(
  transaction: Transaction,
  measured: { asked: readonly AskedLayer[]; found: Found; askedAt: Date; at: Date },
): Promise<void> {
  const { asked, found, askedAt, at } = measured;
  const byName = new Map(asked.map((layer) => [`${layer.pool}/${layer.fileName}`, layer]));
  for (const { pool, fileName, allocatedBytes, dataMap } of found) {
    const layer = byName.get(`${pool}/${fileName}`);
    if (!layer) continue;
    await transaction.layer.updateMany({
      where: {
        id: layer.id,
        state: 'PRESENT',
        isFrozen: layer.isFrozen,
        mergeState: 'NONE',
        OR: [{ measuredAt: null }, { measuredAt: { lte: askedAt } }],
      },
      data: { dataMap, allocatedBytes: BigInt(allocatedBytes), measuredAt: at },
    });
  }
}
