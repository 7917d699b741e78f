import { done } from '../../errors/refusal.js';
import { decideOnly, type StartOptions, startOperation } from '../../operations/start-operation.js';
import { planView } from '../plan-view.js';
import type { CreateVmSnapshot } from './create-vm-snapshot.contract.js';
import { createStarter } from './create-vm-snapshot.store.js';
import { secondsToSave } from './memory-rate.store.js';

/** Overlays are made in milliseconds each; the rest is one round trip to the host and back. */
const SECONDS_OF_A_CREATE = 1;

/** Makes the use case. See the contract file for what its two functions promise. */
export function createCreateVmSnapshot(options: StartOptions): CreateVmSnapshot {
  return {
    async plan(principal, request) {
      const decided = await decideOnly(options.database, createStarter, { principal, request: { ...request, planHash: null } });
      if (!decided.ok) return decided;
      const { plan, hash, kind } = decided.value.decision;
      const { hostId, memoryBytes } = decided.value.facts.machine;
      const memorySeconds = kind === 'DISK' ? 0 : await secondsToSave(options.database, hostId, Number(memoryBytes));
      const estimatedSeconds = memorySeconds === null ? null : Math.ceil(SECONDS_OF_A_CREATE + memorySeconds);
      return done(planView(plan.plan, { hash, estimatedSeconds }));
    },

    async create(principal, request) {
      const started = await startOperation(options, createStarter, { principal, request });
      return started.ok ? done({ snapshotId: started.value.subjectId, operationId: started.value.operationId }) : started;
    },
  };
}
