import { done, refused } from '../../errors/refusal.js';
import { moveMachine } from '../../machines/machine.store.js';
import type { MachineFacts } from '../../machines/machine-facts.store.js';
import type { Retrier } from '../../operations/retry-operation.js';
import { CREATE_VM_SNAPSHOT, type CreateRecord, createRecord } from './create-record.js';
import { createStarter, takeAgain } from './create-vm-snapshot.store.js';
import type { CreateVmSnapshotRequest } from './create-vm-snapshot.contract.js';
import { decideCreate } from './decide-create.js';

/**
 * A create that failed left nothing behind but its name: the snapshot is taken anew under it, of the machine as it is now, with new layers and
 * a new quiesce (docs/decisions/0010).
 */
export const createRetrier: Retrier = {
  kind: CREATE_VM_SNAPSHOT,
  again(recorded, facts) {
    const record = createRecord.parse(recorded);
    const snapshot = facts.snapshots.find((candidate) => candidate.id === record.snapshotId);
    if (snapshot?.state !== 'ERROR') {
      const message = 'The snapshot is not in ERROR any more: it was deleted, or is being deleted. Take a new one.';
      return refused({ code: 'SNAPSHOT_STATE', message, path: ['operationId'] });
    }
    const request: CreateVmSnapshotRequest = {
      virtualMachineId: facts.machine.id,
      name: snapshot.name,
      description: snapshot.description,
      kind: snapshot.kind,
      quiesce: record.quiesce,
      volumeIds: record.isSubset ? record.volumes.map((volume) => volume.volumeId) : null,
      planHash: null,
      idempotencyKey: null,
    };
    const decided = decideCreate(request, withoutItself(facts, record));
    if (!decided.ok) return decided;
    const decision = decided.value;
    return done({
      resources: createStarter.resources(decision, facts.machine.id),
      async write(retrying) {
        const { transaction, operationId, principal } = retrying;
        const move = { to: 'SNAPSHOTTING' as const, event: 'retry', reason: null, actor: principal.actor, operationId };
        await moveMachine(transaction, facts.machine, move);
        return takeAgain({ ...retrying, decision, subjectId: record.snapshotId });
      },
    });
  },
};

/** Its own name is no other's, and it counts already. */
function withoutItself(facts: MachineFacts, { snapshotId }: CreateRecord): MachineFacts {
  const { snapshots, snapshotsOfProject } = facts;
  const names = new Set(snapshots.filter((snapshot) => snapshot.id !== snapshotId).map((snapshot) => snapshot.name));
  return { ...facts, names, snapshotsOfProject: snapshotsOfProject === null ? null : snapshotsOfProject - 1 };
}
