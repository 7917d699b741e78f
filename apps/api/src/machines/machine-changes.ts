import { auditRefusal } from '../audit/audit.store.js';
import type { Principal } from '../access/principal.js';
import { NOBODY } from '../graphql/global-id.js';
import { done, type Outcome } from '../errors/refusal.js';
import type { OperationWork } from '../operations/operation-work.js';
import type { Retrier } from '../operations/retry-operation.js';
import { type StartOptions, startOperation } from '../operations/start-operation.js';
import type { Starter } from '../operations/start-operation.store.js';
import { destroyRetrier, destroyStarter, destroyWork } from './destroy/destroy.store.js';
import { attachStarter, detachStarter, diskWorks, machineToDetachFrom } from './disks/disks.store.js';
import type { AttachRequest, MachineChanges, MachineRequest, StartedOnMachine, StartedOnVolume } from './machine-changes.contract.js';
import { migrateStarter, migrateWork } from './migrate/migrate.store.js';
import { powerWorks, startStarter, stopStarter } from './power/power.store.js';
import { adoptStarter, reconcileWork, repairStarter } from './reconcile/reconcile.store.js';
import { resizeRetrier, resizeStarter, resizeWork } from './resize/resize.store.js';

/** What becomes of machines while their operations run, for the engine. */
export const machineWorks: readonly OperationWork[] = [...powerWorks, ...diskWorks, resizeWork, destroyWork, migrateWork, reconcileWork];

/** How those of them go on that failed; the others are asked for again. */
export const machineRetriers: readonly Retrier[] = [destroyRetrier, resizeRetrier];

/** Makes the use cases. See the contract file for what each promises. */
export function createMachineChanges(options: StartOptions): MachineChanges {
  return {
    start: (principal, request) => startOnMachine(options, startStarter, { principal, request }),
    stop: (principal, request) => startOnMachine(options, stopStarter, { principal, request }),
    migrate: (principal, request) => startOnMachine(options, migrateStarter, { principal, request }),
    resize: (principal, request) => startOnMachine(options, resizeStarter, { principal, request }),
    destroy: (principal, request) => startOnMachine(options, destroyStarter, { principal, request }),
    attachVolume: (principal, request) => startOnVolume(options, attachStarter, { principal, request }),
    detachVolume: async (principal, { volumeId, idempotencyKey }) => {
      const virtualMachineId = (await machineToDetachFrom(options.database, volumeId)) ?? NOBODY;
      return startOnVolume(options, detachStarter, { principal, request: { volumeId, virtualMachineId, planHash: null, idempotencyKey } });
    },
    reconcile: (principal, request) =>
      startOnMachine(options, request.action === 'ADOPT' ? adoptStarter : repairStarter, { principal, request }),
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

/** The same for an operation whose subject is a volume. */
async function startOnVolume<D>(
  options: StartOptions,
  starter: Starter<AttachRequest, D>,
  { principal, request }: { principal: Principal; request: AttachRequest },
): Promise<Outcome<StartedOnVolume>> {
  const { volumeId } = request;
  const started = await startOperation(options, starter, { principal, request, subjectId: volumeId });
  await auditRefusal(options.database, { principal, action: starter.kind, projectId: null, subjectId: volumeId }, started);
  return started.ok ? done({ volumeId, operationId: started.value.operationId }) : started;
}
