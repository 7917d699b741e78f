import type { Prisma, SnapshotDisk, VmSnapshot, VmSnapshotKind, VmSnapshotState } from '../platform/generated/client.js';
import type { Reader } from '../platform/database.js';

export type { SnapshotDisk as SnapshotDiskRow, VmSnapshot as VmSnapshotRow };

/** Most nodes of one tree that are read at once; quotas keep trees far smaller. */
const MAX_NODES = 10_000;

/** Which snapshots; null fields do not filter, scope null is ADMIN. REMOVED ones only where `states` names them. */
export type VmSnapshotFilter = {
  scope: readonly string[] | null;
  projectId: string | null;
  virtualMachineId: string | null;
  states: readonly VmSnapshotState[] | null;
  kind: VmSnapshotKind | null;
  /** Part of the name, in any case. */
  keyword: string | null;
};

/** Snapshots by id, REMOVED ones too, in no order; ids that are not there are left out. */
export async function findSnapshots(reader: Reader, ids: readonly string[]): Promise<VmSnapshot[]> {
  return reader.vmSnapshot.findMany({ where: { id: { in: [...ids] } } });
}

/** The trees of these machines without REMOVED nodes, in order of id: a parent is older than its children, so parents come first. */
export async function snapshotsOfMachines(reader: Reader, machineIds: readonly string[]): Promise<VmSnapshot[]> {
  return reader.vmSnapshot.findMany({
    where: { virtualMachineId: { in: [...machineIds] }, state: { not: 'REMOVED' } },
    orderBy: { id: 'asc' },
    take: MAX_NODES,
  });
}

/** Pins of these snapshots, in order of snapshot and target. */
export async function disksOfSnapshots(reader: Reader, snapshotIds: readonly string[]): Promise<SnapshotDisk[]> {
  return reader.snapshotDisk.findMany({
    where: { snapshotId: { in: [...snapshotIds] } },
    orderBy: [{ snapshotId: 'asc' }, { target: 'asc' }],
  });
}

/** A page, newest first; `after` is the id of the last one seen. */
export async function pageSnapshots(
  reader: Reader,
  page: { filter: VmSnapshotFilter; after: string | null; first: number },
): Promise<VmSnapshot[]> {
  return reader.vmSnapshot.findMany({
    where: { AND: [whereOf(page.filter), page.after === null ? {} : { id: { lt: page.after } }] },
    orderBy: { id: 'desc' },
    take: page.first,
  });
}

/** How many there are. */
export async function countSnapshots(reader: Reader, filter: VmSnapshotFilter): Promise<number> {
  return reader.vmSnapshot.count({ where: whereOf(filter) });
}

function whereOf(filter: VmSnapshotFilter): Prisma.VmSnapshotWhereInput {
  const all: Prisma.VmSnapshotWhereInput[] = [{ state: filter.states === null ? { not: 'REMOVED' } : { in: [...filter.states] } }];
  if (filter.scope !== null) all.push({ projectId: { in: [...filter.scope] } });
  if (filter.projectId !== null) all.push({ projectId: filter.projectId });
  if (filter.virtualMachineId !== null) all.push({ virtualMachineId: filter.virtualMachineId });
  if (filter.kind !== null) all.push({ kind: filter.kind });
  if (filter.keyword !== null) all.push({ name: { contains: filter.keyword, mode: 'insensitive' } });
  return { AND: all };
}
