import type { Principal } from '../../access/principal.js';
import { auditRefusal } from '../../audit/audit.store.js';
import { done, type Outcome } from '../../errors/refusal.js';
import { findOperations } from '../../operations/operation.store.js';
import { readPlan } from '../../operations/program.js';
import { decideOnly, type StartOptions, startOperation } from '../../operations/start-operation.js';
import type { Database } from '../../platform/database.js';
import type { MeasureLayers } from '../../volumes/measure/measuring.js';
import { type PlanView, planView } from '../plan-view.js';
import type { RevertRequest } from './decide-revert.js';
import { machineOfSnapshot } from '../snapshot.store.js';
import type { RevertToVmSnapshot, RevertToVmSnapshotRequest, StartedRevert } from './revert-to-vm-snapshot.contract.js';
import { revertRecord } from './revert-record.js';
import { noSuchSnapshot } from '../snapshot-access.js';
import { revertStarter } from './revert.store.js';

/** No byte moves: empty layers, a stop, a definition, perhaps a start. */
const SECONDS_OF_A_REVERT = 3;

/** Makes the use case. See the contract file for what its two functions promise. */
export function createRevertToVmSnapshot(options: StartOptions & { measure: MeasureLayers }): RevertToVmSnapshot {
  const { database, measure } = options;
  const check = async (principal: Principal, request: RevertRequest): Promise<Outcome<PlanView>> => {
    const decided = await decideOnly(database, revertStarter, { principal, request: { ...request, planHash: null } });
    if (!decided.ok) return decided;
    const { plan, hash } = decided.value.decision;
    return done(planView(plan.plan, { hash, estimatedSeconds: SECONDS_OF_A_REVERT }));
  };
  return {
    async plan(principal, request) {
      const virtualMachineId = await machineOfSnapshot(database, request.snapshotId);
      if (virtualMachineId === null) return noSuchSnapshot('snapshotId');
      const first = await check(principal, { ...request, virtualMachineId });
      if (!first.ok) return first;
      // What is written since is lost, or kept as a snapshot: how much that is changes from moment to moment.
      await measure(virtualMachineId);
      return check(principal, { ...request, virtualMachineId });
    },

    async revert(principal, request) {
      const tried = { principal, action: revertStarter.kind, projectId: null, subjectId: request.snapshotId };
      return auditRefusal(database, tried, await revert(options, principal, request));
    },
  };
}

async function revert(options: StartOptions, principal: Principal, request: RevertToVmSnapshotRequest): Promise<Outcome<StartedRevert>> {
  const virtualMachineId = await machineOfSnapshot(options.database, request.snapshotId);
  if (virtualMachineId === null) return noSuchSnapshot('snapshotId');
  const asked = { principal, request: { ...request, virtualMachineId }, subjectId: request.snapshotId };
  const started = await startOperation(options, revertStarter, asked);
  if (!started.ok) return started;
  const { operationId, subjectId: snapshotId } = started.value;
  return done({ snapshotId, operationId, safetySnapshotId: await safetyOf(options.database, operationId) });
}

/** Made by whichever request began the operation: a repeated one reads it from there. */
async function safetyOf(database: Database, operationId: string): Promise<string | null> {
  const [operation] = await findOperations(database, [operationId]);
  if (!operation) throw new Error(`operation ${operationId} was started and is not recorded`);
  return revertRecord.parse(readPlan(operation.plan).record).safetySnapshotId;
}
