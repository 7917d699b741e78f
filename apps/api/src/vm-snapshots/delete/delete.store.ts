import { checkAccess } from '../../machines/check-machine.js';
import type { MachineFacts } from '../../machines/machine-facts.store.js';
import { resourceOf } from '../../operations/claim.store.js';
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
  resources: (decision, machineId) => resourcesOf(decision, machineId),
  subjectName: (_decision, facts) => facts.machine.name,
  async write(starting) {
    const { record, program } = programOf(starting.decision.plan, starting.facts);
    await expunge(starting, record);
    await insertHeads(starting.transaction, starting.facts, record);
    // Nothing to do on any host: it is over with this transaction.
    if (program.length === 0) await endAtOnce(starting, record);
    return { planHash: starting.decision.hash, record, program, steps: starting.decision.plan.plan.steps };
  },
};

/** The machine, every volume and forest whose files are merged or go, and the snapshots by their machine. */
export function resourcesOf({ plan }: DeleteDecision, machineId: string): string[] {
  const volumeIds = [
    ...new Set([...plan.merges.map((merge) => merge.volumeId), ...plan.plan.steps.flatMap((step) => step.volumeId ?? [])]),
  ];
  return [
    resourceOf.machine(machineId),
    ...volumeIds.flatMap((volumeId) => [resourceOf.volume(volumeId), resourceOf.layerForest(volumeId)]),
  ];
}

type Writing = Pick<Starting<unknown, unknown>, 'transaction' | 'operationId' | 'principal' | 'facts'>;

/** An operation that has just been written, as its turning points know it. */
export function moverOf({ transaction, operationId, principal, facts }: Writing) {
  return { transaction, machine: facts.machine, operation: { id: operationId, actor: principal.actor } };
}

async function expunge(starting: Writing, record: DeleteRecord): Promise<void> {
  for (const { snapshotId, was } of record.doomed) {
    await starting.transaction.vmSnapshot.update({ where: { id: snapshotId }, data: { operationId: starting.operationId } });
    await moveSnapshot(moverOf(starting), { snapshotId, from: was, to: 'EXPUNGING', event: 'delete', reason: null });
  }
}

async function endAtOnce(starting: Writing, record: DeleteRecord): Promise<void> {
  await consume(moverOf(starting), record);
  await removeSnapshots(moverOf(starting), record);
}

/** The empty heads that merges need, each over the head of now; their files are not there yet. */
export async function insertHeads(transaction: Transaction, facts: MachineFacts, record: DeleteRecord): Promise<void> {
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
