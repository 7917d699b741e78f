import type { Principal } from '../../access/principal.js';
import { checkAccess } from '../../machines/check-machine.js';
import type { MachineFacts } from '../../machines/machine-facts.store.js';
import { resourceOf } from '../../operations/claim.store.js';
import type { OperationPlan } from '../../operations/operation.store.js';
import type { Starter, Starting } from '../../operations/start-operation.store.js';
import type { Transaction } from '../../platform/database.js';
import { moveSnapshot } from '../snapshot.store.js';
import { decideDelete, type DeleteDecision } from './decide-delete.js';
import { programOf } from './delete-program.js';
import { DELETE_VM_SNAPSHOTS, type DeleteRecord } from './delete-record.js';
import type { DeleteVmSnapshotsRequest } from './delete-vm-snapshots.contract.js';
import { consume, removeSnapshots } from './delete-work.store.js';

/** How deleteVmSnapshots starts. */
export const deleteStarter: Starter<DeleteVmSnapshotsRequest, DeleteDecision> = {
  kind: DELETE_VM_SNAPSHOTS,
  subjectType: 'VIRTUAL_MACHINE',
  machineState: null,
  access: (principal, facts) => checkAccess(principal, facts, { role: 'OWNER', what: 'Deleting snapshots', path: ['virtualMachineId'] }),
  decide: (_principal, request, facts) => decideDelete(request, facts),
  resources: (decision, machineId) => resourcesOf(machineId, volumesOf(decision)),
  subjectName: (_decision, facts) => facts.machine.name,
  write: (starting) => writeDelete(starting, starting.decision),
};

/** The machine, and every volume and forest whose files are merged or go. */
export function resourcesOf(machineId: string, volumeIds: readonly string[]): string[] {
  return [
    resourceOf.machine(machineId),
    ...volumeIds.flatMap((volumeId) => [resourceOf.volume(volumeId), resourceOf.layerForest(volumeId)]),
  ];
}

/** Volumes that a plan touches. */
export function volumesOf({ plan }: DeleteDecision): string[] {
  return [...new Set([...plan.merges.map((merge) => merge.volumeId), ...plan.plan.steps.flatMap((step) => step.volumeId ?? [])])];
}

/** The snapshots are on their way out, new heads have their records, and the operation has its plan. */
export async function writeDelete(writing: Writing, decision: DeleteDecision): Promise<OperationPlan> {
  const { record, program } = programOf(decision.plan, writing.facts);
  await expunge(writing, record);
  await insertHeads(writing.transaction, writing.facts, record);
  // Nothing to do on any host: it is over with this transaction.
  if (program.length === 0) {
    await consume(moverOf(writing), record);
    const { machine } = writing.facts;
    const isMoved = record.doomed.some(({ snapshotId }) => snapshotId === machine.currentSnapshotId);
    const after = isMoved ? { ...machine, currentSnapshotId: record.currentSnapshotId } : machine;
    await removeSnapshots({ ...moverOf(writing), machine: after }, record);
  }
  return { planHash: decision.hash, record, program, steps: decision.plan.plan.steps };
}

/** Where it is written, by whom and for which operation. */
export type Writing = Pick<Starting<unknown, unknown>, 'transaction' | 'operationId' | 'facts'> & { principal: Pick<Principal, 'actor'> };

/** The operation as its turning points know it. */
function moverOf({ transaction, operationId, principal, facts }: Writing) {
  return { transaction, machine: facts.machine, operation: { id: operationId, actor: principal.actor } };
}

/** Each is on its way out, from what it was. */
export async function expunge(starting: Writing, record: Pick<DeleteRecord, 'doomed'>): Promise<void> {
  for (const { snapshotId, was } of record.doomed) {
    await starting.transaction.vmSnapshot.update({ where: { id: snapshotId }, data: { operationId: starting.operationId } });
    await moveSnapshot(moverOf(starting), { snapshotId, from: was, to: 'EXPUNGING', event: 'delete', reason: null });
  }
}

/** The empty heads that merges need, each over the head of now; their files are not there yet. */
async function insertHeads(transaction: Transaction, facts: MachineFacts, record: DeleteRecord): Promise<void> {
  for (const { thickening, layerIds } of record.merges) {
    const topId = layerIds.at(-1);
    const top = facts.layerRows.find((layer) => layer.id === topId);
    if (!thickening || !top) continue;
    const { nextLayerNumber } = await transaction.volume.update({
      where: { id: thickening.volumeId },
      data: { nextLayerNumber: { increment: 1 } },
    });
    await transaction.layer.create({
      data: {
        id: thickening.layerId,
        volumeId: thickening.volumeId,
        fileName: `volume-${thickening.volumeId}.${nextLayerNumber - 1}.qcow2`,
        format: 'qcow2',
        state: 'PLANNED',
        backingLayerId: top.id,
        virtualBytes: top.virtualBytes,
      },
    });
  }
}
