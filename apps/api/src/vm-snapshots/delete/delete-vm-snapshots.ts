import type { Principal } from '../../access/principal.js';
import { auditRefusal } from '../../audit/audit.store.js';
import { done, type Outcome } from '../../errors/refusal.js';
import { findOperations } from '../../operations/operation.store.js';
import { readPlan } from '../../operations/program.js';
import { decideOnly, type StartOptions, startOperation } from '../../operations/start-operation.js';
import type { MeasureLayers } from '../../volumes/measure/measuring.js';
import { type PlanView, planView } from '../plan-view.js';
import { deleteRecord } from './delete-record.js';
import type { DeleteVmSnapshots, DeleteVmSnapshotsRequest, StartedDelete } from './delete-vm-snapshots.contract.js';
import { deleteStarter } from './delete.store.js';
import { estimatedSeconds } from './merge-rate.store.js';

/** Makes the use case. See the contract file for what its functions promise. */
export function createDeleteVmSnapshots(options: StartOptions & { measure: MeasureLayers }): DeleteVmSnapshots {
  const { database, measure } = options;
  const check = async (principal: Principal, request: DeleteVmSnapshotsRequest): Promise<Outcome<PlanView>> => {
    const decided = await decideOnly(database, deleteStarter, { principal, request: { ...request, planHash: null } });
    if (!decided.ok) return decided;
    const { decision, facts } = decided.value;
    const seconds = await estimatedSeconds(database, facts.machine.hostId, decision.plan.plan.bytesToMove);
    return done(planView(decision.plan.plan, { hash: decision.hash, estimatedSeconds: seconds }));
  };
  return {
    check,

    async plan(principal, request) {
      const first = await check(principal, request);
      if (!first.ok) return first;
      await measure(request.virtualMachineId);
      return check(principal, request);
    },

    async delete(principal, request) {
      const tried = { principal, action: deleteStarter.kind, projectId: null, subjectId: request.virtualMachineId };
      return auditRefusal(database, tried, await start(options, principal, request));
    },
  };
}

async function start(options: StartOptions, principal: Principal, request: DeleteVmSnapshotsRequest): Promise<Outcome<StartedDelete>> {
  const started = await startOperation(options, deleteStarter, { principal, request, subjectId: request.virtualMachineId });
  if (!started.ok) return started;
  const { operationId } = started.value;
  const [operation] = await findOperations(options.database, [operationId]);
  if (!operation) throw new Error(`operation ${operationId} was started and is not recorded`);
  const { doomed } = deleteRecord.parse(readPlan(operation.plan).record);
  return done({ snapshotIds: doomed.map(({ snapshotId }) => snapshotId), operationId });
}
