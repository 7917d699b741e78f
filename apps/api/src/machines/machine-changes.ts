import { auditRefusal } from '../audit/audit.store.js';
import type { Principal } from '../access/principal.js';
import { done, type Outcome, refused } from '../errors/refusal.js';
import type { OperationWork } from '../operations/operation-work.js';
import { type StartOptions, startOperation } from '../operations/start-operation.js';
import type { Starter } from '../operations/start-operation.store.js';
import type { MachineChanges, MachineRequest, StartedOnMachine } from './machine-changes.contract.js';
import { powerWorks, startStarter, stopStarter } from './power/power.store.js';

/** What becomes of machines while their operations run, for the engine. */
export const machineWorks: readonly OperationWork[] = [...powerWorks];

/** Makes the use cases. See the contract file for what each promises. */
export function createMachineChanges(options: StartOptions): MachineChanges {
  const later = async () =>
    refused({ code: 'CAPABILITY_DISABLED', message: 'This version of Coppice cannot do this yet. Nothing was changed.' });
  return {
    start: (principal, request) => startOnMachine(options, startStarter, { principal, request }),
    stop: (principal, request) => startOnMachine(options, stopStarter, { principal, request }),
    migrate: later,
    resize: later,
    destroy: later,
    attachVolume: later,
    detachVolume: later,
    reconcile: later,
  };
}

/** Starts an operation whose subject is the machine itself; what it refuses is audited here, what it does in its transaction. */
async function startOnMachine<R extends MachineRequest, D>(
  options: StartOptions,
  starter: Starter<R, D>,
  { principal, request }: { principal: Principal; request: R },
): Promise<Outcome<StartedOnMachine>> {
  const { virtualMachineId } = request;
  const started = await startOperation(options, starter, { principal, request, subjectId: virtualMachineId });
  const tried = { principal, action: starter.kind, projectId: null, subjectId: virtualMachineId };
  await auditRefusal(options.database, tried, started);
  return started.ok ? done({ virtualMachineId, operationId: started.value.operationId }) : started;
}
