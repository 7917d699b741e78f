import type { Principal } from '../../access/principal.js';
import { recordAudit } from '../../audit/audit.store.js';
import { insertTransitions } from '../../events/transition.store.js';
import { lockMachine } from '../../machines/machine.store.js';
import type { Transaction } from '../../platform/database.js';

/** Changes the row under its machine's lock and tells of it: a transition from the state to the same one. False where it is on its way out, or gone. */
export async function updateVolumeSnapshot(
  transaction: Transaction,
  principal: Principal,
  { id, machineId, fields }: { id: string; machineId: string; fields: { name?: string; locked?: boolean } },
): Promise<boolean> {
  await lockMachine(transaction, machineId);
  const [row] = await transaction.volumeSnapshot.updateManyAndReturn({
    where: { id, state: { notIn: ['DESTROYING', 'DESTROYED', 'HIDDEN'] } },
    data: fields,
  });
  if (!row) return false;
  const { projectId, virtualMachineId, state } = row;
  const said = { action: 'updateVolumeSnapshot', projectId, subjectId: id, subjectName: row.name };
  await recordAudit(transaction, { principal, ...said, outcome: 'DONE', detail: JSON.stringify(fields) });
  await insertTransitions(transaction, [
    {
      projectId,
      virtualMachineId,
      subjectType: 'VOLUME_SNAPSHOT',
      subjectId: id,
      from: state,
      to: state,
      event: 'update',
      reason: null,
      actor: principal.actor,
      operationId: null,
      treeChanges: [],
    },
  ]);
  return true;
}
