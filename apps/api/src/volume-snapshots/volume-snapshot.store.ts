import { assertTransition, VOLUME_SNAPSHOT_LIFECYCLE, type VolumeSnapshotState } from '@coppice/snapshot-tree';
import { insertTransitions } from '../events/transition.store.js';
import type { OpenOperation } from '../operations/operation.store.js';
import type { Reader, Transaction } from '../platform/database.js';
import type { VolumeSnapshot } from '../platform/generated/client.js';

export type { VolumeSnapshot as VolumeSnapshotRow } from '../platform/generated/client.js';

/** Who moves it: an operation, with the machine locked. A Turn is one. Without an id: the system, where nothing else would. */
type Mover = { transaction: Transaction; operation: Pick<OpenOperation, 'actor'> & { id: string | null } };

/** A move of a volume snapshot within an operation's turn. */
type Move = { id: string; from: VolumeSnapshotState; to: VolumeSnapshotState; event: string; reason: string | null };

/** State by compare-and-set, then the transition. Throws where the lifecycle has no such move. */
export async function moveVolumeSnapshot({ transaction, operation }: Mover, move: Move): Promise<void> {
  const { id, from, to, event, reason } = move;
  assertTransition(VOLUME_SNAPSHOT_LIFECYCLE, { subject: `volume snapshot ${id}`, from, to });
  const [moved] = await transaction.volumeSnapshot.updateManyAndReturn({ where: { id, state: from }, data: { state: to } });
  if (!moved) throw new Error(`volume snapshot ${id} was not ${from} any more while its machine was locked`);
  await tell({ transaction, operation }, moved, { from, event, reason });
}

/** Inserts it, ALLOCATED, with its first transition. */
export async function insertVolumeSnapshot(mover: Mover, data: Omit<VolumeSnapshot, 'state' | 'error' | 'checksum'>): Promise<void> {
  const { createdBy: _, ...rest } = data;
  const row = await mover.transaction.volumeSnapshot.create({ data: { ...rest, createdBy: mover.operation.actor, state: 'ALLOCATED' } });
  await tell(mover, row, { from: null, event: 'create', reason: null });
}

async function tell(
  { transaction, operation }: Mover,
  row: VolumeSnapshot,
  told: { from: string | null; event: string; reason: string | null },
) {
  await insertTransitions(transaction, [
    {
      projectId: row.projectId,
      virtualMachineId: row.virtualMachineId,
      subjectType: 'VOLUME_SNAPSHOT',
      subjectId: row.id,
      from: told.from,
      to: row.state,
      event: told.event,
      reason: told.reason,
      actor: operation.actor,
      operationId: operation.id,
      treeChanges: [],
    },
  ]);
}

/** One row; null where there is none. */
export async function findVolumeSnapshotRow(reader: Reader, id: string): Promise<VolumeSnapshot | null> {
  return reader.volumeSnapshot.findUnique({ where: { id } });
}
