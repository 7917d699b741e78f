import { assertTransition, VM_SNAPSHOT_LIFECYCLE, type VmSnapshotState } from '@coppice/snapshot-tree';
import { insertTransitions } from '../events/transition.store.js';
import type { TreeChange } from '../events/transition.js';
import { type MachineRow, numberTreeChanges } from '../machines/machine.store.js';
import type { OpenOperation } from '../operations/operation.store.js';
import type { Reader, Transaction } from '../platform/database.js';

/** Who moves it: an operation, with the machine locked. A Turn is one. */
type Mover = {
  transaction: Transaction;
  machine: Pick<MachineRow, 'id' | 'currentSnapshotId'>;
  operation: Pick<OpenOperation, 'id' | 'actor'>;
};

/** A move of a snapshot within an operation's turn. */
export type SnapshotMove = {
  snapshotId: string;
  from: VmSnapshotState;
  to: VmSnapshotState;
  event: string;
  reason: string | null;
  /** The machine's present state grows from it now, and the caller has recorded that on the machine. */
  isNowCurrent?: true;
};

/** State by compare-and-set, the tree's revision under the machine's row lock, then the transition that carries both. */
export async function moveSnapshot(mover: Mover, move: SnapshotMove): Promise<void> {
  const { transaction, machine, operation } = mover;
  assertTransition(VM_SNAPSHOT_LIFECYCLE, { subject: `VM snapshot ${move.snapshotId}`, from: move.from, to: move.to });
  const moved = await transaction.vmSnapshot.updateManyAndReturn({
    where: { id: move.snapshotId, state: move.from },
    data: { state: move.to },
    select: { parentId: true, projectId: true },
  });
  const [snapshot] = moved;
  if (!snapshot) throw new Error(`VM snapshot ${move.snapshotId} was not ${move.from} any more while its machine was locked`);
  const change: Omit<TreeChange, 'revision'> = {
    kind: move.to === 'REMOVED' ? 'REMOVED' : 'UPDATED',
    snapshotId: move.snapshotId,
    parentId: snapshot.parentId,
    currentId: move.isNowCurrent ? move.snapshotId : machine.currentSnapshotId,
  };
  const changes = move.isNowCurrent ? [change, { ...change, kind: 'HEAD_MOVED' as const }] : [change];
  await insertTransitions(transaction, [
    {
      projectId: snapshot.projectId,
      virtualMachineId: machine.id,
      subjectType: 'VM_SNAPSHOT',
      subjectId: move.snapshotId,
      from: move.from,
      to: move.to,
      event: move.event,
      reason: move.reason,
      actor: operation.actor,
      operationId: operation.id,
      treeChanges: await numberTreeChanges(transaction, machine.id, changes),
    },
  ]);
}

/** The machine that the snapshot is of; null where there is no such snapshot. */
export async function machineOfSnapshot(reader: Reader, snapshotId: string): Promise<string | null> {
  const found = await reader.vmSnapshot.findUnique({ where: { id: snapshotId }, select: { virtualMachineId: true } });
  return found?.virtualMachineId ?? null;
}
