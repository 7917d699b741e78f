/** Reads of volume snapshots for the public API; every function takes the scope. */
import type { z } from 'zod';
import { type ActorRecord, actorRecord } from '../access/actor.js';
import type { AccessScope } from '../access/principal.js';
import { ownedBy } from '../access/scope.js';
import type { PageRequest, Slice } from '../graphql/page.js';
import { operationError } from '../operations/operation.reads.store.js';
import type { Reader } from '../platform/database.js';
import type { Prisma, VolumeSnapshot } from '../platform/generated/client.js';
import { literally } from '../platform/like-pattern.js';

/** A volume snapshot as the API shows it. */
export type VolumeSnapshotRecord = Pick<
  VolumeSnapshot,
  | 'id'
  | 'name'
  | 'projectId'
  | 'volumeId'
  | 'virtualMachineId'
  | 'kind'
  | 'location'
  | 'state'
  | 'locked'
  | 'consistency'
  | 'checksum'
  | 'createdAt'
  | 'operationId'
> & {
  __typename: 'VolumeSnapshot';
  virtualBytes: number;
  physicalBytes: number;
  verifiedAt: null;
  createdBy: ActorRecord;
  error: z.infer<typeof operationError> | null;
};

/** What volume snapshots are wanted; null does not filter, but without `states` DESTROYED ones are left out. */
export type VolumeSnapshotWish = {
  projectId: string | null;
  virtualMachineId: string | null;
  volumeId: string | null;
  states: readonly VolumeSnapshot['state'][] | null;
  keyword: string | null;
  createdBy: string | null;
  createdAfter: Date | null;
  createdBefore: Date | null;
};

/** Filters by nothing. */
export const ANY_VOLUME_SNAPSHOT: VolumeSnapshotWish = {
  projectId: null,
  virtualMachineId: null,
  volumeId: null,
  states: null,
  keyword: null,
  createdBy: null,
  createdAfter: null,
  createdBefore: null,
};

function toRecord(row: VolumeSnapshot): VolumeSnapshotRecord {
  return {
    ...row,
    __typename: 'VolumeSnapshot',
    virtualBytes: Number(row.virtualBytes),
    physicalBytes: Number(row.physicalBytes),
    verifiedAt: null,
    createdBy: actorRecord.parse(row.createdBy),
    error: row.error === null ? null : operationError.parse(row.error),
  };
}

/** The volume snapshots with these ids that the scope may read, in no order; DESTROYED ones too. */
export async function findVolumeSnapshots(reader: Reader, scope: AccessScope, ids: readonly string[]): Promise<VolumeSnapshotRecord[]> {
  const rows = await reader.volumeSnapshot.findMany({ where: { id: { in: [...ids] }, ...ownedBy(scope) } });
  return rows.map(toRecord);
}

/** A page of volume snapshots, newest first. */
export async function pageVolumeSnapshots(
  reader: Reader,
  wanted: { scope: AccessScope; filter: VolumeSnapshotWish; page: PageRequest },
): Promise<Slice<VolumeSnapshotRecord>> {
  const where: Prisma.VolumeSnapshotWhereInput = { AND: [ownedBy(wanted.scope), whereOf(wanted.filter)] };
  const { after, take } = wanted.page;
  const rows = await reader.volumeSnapshot.findMany({
    where: { AND: [where, after === null ? {} : { id: { lt: after } }] },
    orderBy: { id: 'desc' },
    take: take + 1,
  });
  return { rows: rows.map(toRecord), count: () => reader.volumeSnapshot.count({ where }) };
}

function whereOf(filter: VolumeSnapshotWish): Prisma.VolumeSnapshotWhereInput {
  const where: Prisma.VolumeSnapshotWhereInput = { state: filter.states === null ? { not: 'DESTROYED' } : { in: [...filter.states] } };
  if (filter.projectId !== null) where.projectId = filter.projectId;
  if (filter.virtualMachineId !== null) where.virtualMachineId = filter.virtualMachineId;
  if (filter.volumeId !== null) where.volumeId = filter.volumeId;
  if (filter.createdBy !== null) where.createdBy = { path: ['name'], equals: filter.createdBy };
  if (filter.keyword !== null) where.name = { contains: literally(filter.keyword), mode: 'insensitive' };
  if (filter.createdAfter !== null || filter.createdBefore !== null) {
    where.createdAt = {
      ...(filter.createdAfter === null ? {} : { gte: filter.createdAfter }),
      ...(filter.createdBefore === null ? {} : { lt: filter.createdBefore }),
    };
  }
  return where;
}
