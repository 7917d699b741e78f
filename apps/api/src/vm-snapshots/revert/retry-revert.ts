import { done } from '../../errors/refusal.js';
import { moveMachine } from '../../machines/machine.store.js';
import type { Retrier } from '../../operations/retry-operation.js';
import { decideRevert } from './decide-revert.js';
import { REVERT_TO_VM_SNAPSHOT, revertRecord } from './revert-record.js';
import { revertStarter, writeRevert } from './revert.store.js';

/** A revert that failed left nothing behind: it is planned again from the beginning, with a new safety snapshot where one was asked for. */
export const revertRetrier: Retrier = {
  kind: REVERT_TO_VM_SNAPSHOT,
  again(recorded, facts) {
    const { snapshotId, safetySnapshotId, start } = revertRecord.parse(recorded);
    const fixed = { virtualMachineId: facts.machine.id, planHash: null, idempotencyKey: null };
    const request = { ...fixed, snapshotId, start, snapshotFirst: safetySnapshotId !== null };
    const decided = decideRevert(request, facts);
    if (!decided.ok) return decided;
    const decision = decided.value;
    return done({
      resources: revertStarter.resources(decision, facts.machine.id),
      async write(retrying) {
        const { transaction, operationId, principal } = retrying;
        const move = { to: 'REVERTING' as const, event: 'retry', reason: null, actor: principal.actor, operationId };
        await moveMachine(transaction, facts.machine, move);
        return writeRevert({ ...retrying, request, decision, projectId: decision.snapshot.projectId });
      },
    });
  },
};
