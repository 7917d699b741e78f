/** Writes of updateVmSnapshot. */
import type { Principal } from '../../access/principal.js';
import { recordAudit } from '../../audit/audit.store.js';
import { insertTransitions } from '../../events/transition.store.js';
import type { Reader, Transaction } from '../../platform/database.js';
import type { VmSnapshot } from '../../platform/generated/client.js';

/** One snapshot's row; null where there is none. */
export async function findSnapshotRow(reader: Reader, id: string): Promise<VmSnapshot | null> {
  return reader.vmSnapshot.findUnique({ where: { id } });
}

/** What changes; undefined stays. */
export type SnapshotFields = { name?: string; description?: string | null; locked?: boolean };

/**
 * Changes the row, raises the tree's revision under the machine's lock, and tells of it: a transition from the state to the same one,
 * because a name is part of what a tree shows. Answers false where the snapshot has left the tree meanwhile. Throws a duplicate where
 * the name is taken.
 */
export async function updateSnapshot(
  transaction: Transaction,
  principal: Principal,
  change: { id: string; machineId: string; fields: SnapshotFields },
): Promise<boolean> {
  const { id, machineId, fields } = change;
  await transaction.$queryRaw`SELECT id FROM virtual_machine WHERE id = ${machineId}::uuid FOR NO KEY UPDATE`;
  const snapshot = await transaction.vmSnapshot.findUnique({ where: { id } });
  if (snapshot === null || snapshot.state === 'REMOVED' || snapshot.state === 'EXPUNGING') return false;
  const machine = await transaction.virtualMachine.update({
    where: { id: machineId },
    data: { treeRevision: { increment: 1 } },
    select: { treeRevision: true, currentSnapshotId: true },
  });
  await transaction.vmSnapshot.update({ where: { id }, data: fields, select: { id: true } });
  const { projectId, state, parentId } = snapshot;
  const detail = JSON.stringify(fields);
  await recordAudit(transaction, {
    principal,
    action: 'updateVmSnapshot',
    projectId,
    subjectId: id,
    subjectName: snapshot.name,
    outcome: 'DONE',
    detail,
  });
  const { treeRevision: revision, currentSnapshotId: currentId } = machine;
  await insertTransitions(transaction, [
    {
      projectId,
      virtualMachineId: machineId,
      subjectType: 'VM_SNAPSHOT',
      subjectId: id,
      from: state,
      to: state,
      event: 'update',
      reason: null,
      actor: principal.actor,
      operationId: null,
      treeChanges: [{ revision, kind: 'UPDATED', snapshotId: id, parentId, currentId }],
    },
  ]);
  return true;
}
