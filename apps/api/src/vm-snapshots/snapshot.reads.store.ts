/** Reads of VM snapshots for the public API; every function takes the scope. */
import { z } from 'zod';
import { type ActorRecord, actorRecord } from '../access/actor.js';
import type { AccessScope } from '../access/principal.js';
import { ownedBy } from '../access/scope.js';
import type { PageRequest, Slice } from '../graphql/page.js';
import { operationError } from '../operations/operation.reads.store.js';
import type { Reader } from '../platform/database.js';
import { literally } from '../platform/like-pattern.js';
import type { Prisma, VmSnapshot } from '../platform/generated/client.js';

const definition = z.object({
  vcpus: z.number(),
  memoryBytes: z.number(),
  machineType: z
    .string()
    .nullish()
    .transform((text) => text ?? null),
  firmware: z
    .string()
    .nullish()
    .transform((text) => text ?? null),
  disks: z.array(z.string()),
});

/** A VM snapshot as the API shows it. */
export type SnapshotRecord = {
  __typename: 'VmSnapshot';
  id: string;
  virtualMachineId: string;
  projectId: string;
  name: string;
  description: string | null;
  kind: VmSnapshot['kind'];
  consistency: VmSnapshot['consistency'];
  state: VmSnapshot['state'];
  parentId: string | null;
  isCurrent: boolean;
  locked: boolean;
  createdAt: Date;
  createdBy: ActorRecord;
  memoryBytes: number | null;
  definition: z.infer<typeof definition> | null;
  error: z.infer<typeof operationError> | null;
  operationId: string | null;
};

/** What snapshots are wanted; null does not filter, but without `states` REMOVED ones are left out. */
export type SnapshotFilter = {
  projectId: string | null;
  virtualMachineId: string | null;
  states: readonly VmSnapshot['state'][] | null;
  keyword: string | null;
  createdBy: string | null;
  createdAfter: Date | null;
  createdBefore: Date | null;
};

/** The XML texts of a definition are large and nobody is shown them: they stay in the database. */
export const SNAPSHOT_COLUMNS = { currentOf: { select: { id: true } } } as const;

/** The record of a row that was read with SNAPSHOT_COLUMNS included. */
export function toSnapshotRecord(row: VmSnapshot & { currentOf: { id: string }[] }): SnapshotRecord {
  const { id, virtualMachineId, projectId, name, description, kind, consistency, state, parentId, locked, createdAt, operationId } = row;
  return {
    __typename: 'VmSnapshot' as const,
    id,
    virtualMachineId,
    projectId,
    name,
    description,
    kind,
    consistency,
    state,
    parentId,
    locked,
    createdAt,
    operationId,
    isCurrent: row.currentOf.length > 0,
    createdBy: actorRecord.parse(row.createdBy),
    memoryBytes: row.memoryBytes === null ? null : Number(row.memoryBytes),
    definition: row.definition === null ? null : definition.parse(row.definition),
    error: row.error === null ? null : operationError.parse(row.error),
  };
}

/** The snapshots with these ids that the scope may read, in no order; REMOVED ones too. */
export async function findSnapshots(reader: Reader, scope: AccessScope, ids: readonly string[]): Promise<SnapshotRecord[]> {
  const rows = await reader.vmSnapshot.findMany({ where: { id: { in: [...ids] }, ...ownedBy(scope) }, include: SNAPSHOT_COLUMNS });
  return rows.map(toSnapshotRecord);
}

/** A page of snapshots, newest first. */
export async function pageSnapshots(
  reader: Reader,
  wanted: { scope: AccessScope; filter: SnapshotFilter; page: PageRequest },
): Promise<Slice<SnapshotRecord>> {
  const where: Prisma.VmSnapshotWhereInput = { AND: [ownedBy(wanted.scope), whereOf(wanted.filter)] };
  const { after, take } = wanted.page;
  const rows = await reader.vmSnapshot.findMany({
    where: { AND: [where, after === null ? {} : { id: { lt: after } }] },
    orderBy: { id: 'desc' },
    take: take + 1,
    include: SNAPSHOT_COLUMNS,
  });
  return { rows: rows.map(toSnapshotRecord), count: () => reader.vmSnapshot.count({ where }) };
}

function whereOf(filter: SnapshotFilter): Prisma.VmSnapshotWhereInput {
  const where: Prisma.VmSnapshotWhereInput = { state: filter.states === null ? { not: 'REMOVED' } : { in: [...filter.states] } };
  if (filter.projectId !== null) where.projectId = filter.projectId;
  if (filter.virtualMachineId !== null) where.virtualMachineId = filter.virtualMachineId;
  if (filter.createdBy !== null) where.createdBy = { path: ['name'], equals: filter.createdBy };
  if (filter.createdAfter !== null || filter.createdBefore !== null) {
    where.createdAt = {
      ...(filter.createdAfter === null ? {} : { gte: filter.createdAfter }),
      ...(filter.createdBefore === null ? {} : { lt: filter.createdBefore }),
    };
  }
  if (filter.keyword !== null) {
    const contains = { contains: literally(filter.keyword), mode: 'insensitive' as const };
    where.OR = [{ name: contains }, { description: contains }];
  }
  return where;
}

/** A pin of a snapshot, with the layer that it holds on to. */
export type PinRecord = { snapshotId: string; volumeId: string; layerId: string; target: string; allocatedBytes: number; fileName: string };

/** The pins of these snapshots, vda first. The caller was shown the snapshots already. */
export async function pinsOfSnapshots(reader: Reader, snapshotIds: readonly string[]): Promise<PinRecord[]> {
  const rows = await reader.snapshotDisk.findMany({
    where: { snapshotId: { in: [...snapshotIds] } },
    include: { layer: { select: { allocatedBytes: true, fileName: true } } },
    orderBy: { target: 'asc' },
  });
  return rows.map(({ layer, snapshotId, volumeId, layerId, target }) => {
    return { snapshotId, volumeId, layerId, target, allocatedBytes: Number(layer.allocatedBytes), fileName: layer.fileName };
  });
}
