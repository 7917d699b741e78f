/** Reads of volumes and of the layers behind them for the public API; every function takes the scope. */
import type { AccessScope } from '../access/principal.js';
import { ownedBy } from '../access/scope.js';
import type { PageRequest, Slice } from '../graphql/page.js';
import type { Reader } from '../platform/database.js';
import { literally } from '../platform/like-pattern.js';
import type { Prisma, Volume } from '../platform/generated/client.js';
import { layersOfVolumes } from './layer.reads.store.js';

/** A volume as the API shows it. */
export type VolumeRecord = {
  __typename: 'Volume';
  id: string;
  name: string;
  projectId: string | null;
  virtualMachineId: string | null;
  target: string | null;
  poolId: string;
  virtualBytes: number;
  headLayerId: string | null;
};

/** What volumes are wanted; null does not filter. */
export type VolumeFilter = { projectId: string | null; virtualMachineId: string | null; attached: boolean | null; keyword: string | null };

/** Bytes on storage of all layers of a volume, and layers from its head down to its base. */
export type VolumeStorage = { id: string; allocatedBytes: number; chainLength: number };

/** A volume without a head went with its machine; its row stays as long as files of it may. */
const NOT_GONE = { headLayerId: { not: null } } satisfies Prisma.VolumeWhereInput;

function toRecord(row: Volume): VolumeRecord {
  const { id, name, projectId, virtualMachineId, target, poolId, headLayerId } = row;
  return {
    __typename: 'Volume',
    id,
    name,
    projectId,
    virtualMachineId,
    target,
    poolId,
    virtualBytes: Number(row.virtualBytes),
    headLayerId,
  };
}

/** The volumes with these ids that the scope may read, in no order. */
export async function findVolumes(reader: Reader, scope: AccessScope, ids: readonly string[]): Promise<VolumeRecord[]> {
  const rows = await reader.volume.findMany({ where: { id: { in: [...ids] }, ...NOT_GONE, ...ownedBy(scope) } });
  return rows.map(toRecord);
}

/** The volumes that are attached to these machines, vda first. */
export async function volumesOfMachines(reader: Reader, scope: AccessScope, machineIds: readonly string[]): Promise<VolumeRecord[]> {
  const rows = await reader.volume.findMany({
    where: { virtualMachineId: { in: [...machineIds] }, ...ownedBy(scope) },
    orderBy: [{ target: 'asc' }, { id: 'asc' }],
  });
  return rows.map(toRecord);
}

/** A page of volumes by id, oldest first. */
export async function pageVolumes(
  reader: Reader,
  wanted: { scope: AccessScope; filter: VolumeFilter; page: PageRequest },
): Promise<Slice<VolumeRecord>> {
  const where: Prisma.VolumeWhereInput = { AND: [ownedBy(wanted.scope), NOT_GONE, whereOf(wanted.filter)] };
  const { after, take } = wanted.page;
  const rows = await reader.volume.findMany({
    where: { AND: [where, after === null ? {} : { id: { gt: after } }] },
    orderBy: { id: 'asc' },
    take: take + 1,
  });
  return { rows: rows.map(toRecord), count: () => reader.volume.count({ where }) };
}

function whereOf(filter: VolumeFilter): Prisma.VolumeWhereInput {
  const where: Prisma.VolumeWhereInput = {};
  if (filter.projectId !== null) where.projectId = filter.projectId;
  if (filter.virtualMachineId !== null) where.virtualMachineId = filter.virtualMachineId;
  if (filter.keyword !== null) where.name = { contains: literally(filter.keyword), mode: 'insensitive' };
  if (filter.attached !== null) where.virtualMachine = filter.attached ? { isNot: null } : { is: null };
  return where;
}

/** What volumes take on storage. Ids come from volumes that the caller was shown already. */
export async function storageOfVolumes(reader: Reader, volumeIds: readonly string[]): Promise<VolumeStorage[]> {
  const [volumes, layers] = await Promise.all([
    reader.volume.findMany({ where: { id: { in: [...volumeIds] } }, select: { id: true, headLayerId: true } }),
    layersOfVolumes(reader, volumeIds),
  ]);
  const byId = new Map(layers.map((layer) => [layer.id, layer]));
  return volumes.map((volume) => {
    const own = layers.filter((layer) => layer.volumeId === volume.id && layer.isPresent);
    let chainLength = 0;
    for (let at = volume.headLayerId; at !== null && chainLength <= layers.length; chainLength += 1) {
      at = byId.get(at)?.backingLayerId ?? null;
    }
    return { id: volume.id, chainLength, allocatedBytes: own.reduce((sum, layer) => sum + layer.allocatedBytes, 0) };
  });
}
