import { auditRefusal } from '../../audit/audit.store.js';
import type { Principal } from '../../access/principal.js';
import { done, type Outcome } from '../../errors/refusal.js';
import { type StartOptions, startOperation } from '../../operations/start-operation.js';
import { noSuchSnapshot } from '../snapshot-access.js';
import { machineOfSnapshot } from '../snapshot.store.js';
import type { CloneVmSnapshot, CloneVmSnapshotRequest } from './clone-vm-snapshot.contract.js';
import { CLONE_VM_SNAPSHOT } from './clone-record.js';
import { cloneStarter, newCloneIds } from './clone.store.js';

/** Makes the use case. See the contract file for what it promises. */
export function createCloneVmSnapshot(options: StartOptions): CloneVmSnapshot {
  return {
    async clone(principal, request) {
      const tried = { principal, action: CLONE_VM_SNAPSHOT, projectId: null, subjectId: request.snapshotId };
      return auditRefusal(options.database, tried, await clone(options, principal, request));
    },
  };
}

type Cloned = Outcome<{ virtualMachineId: string; operationId: string }>;

async function clone(options: StartOptions, principal: Principal, request: CloneVmSnapshotRequest): Promise<Cloned> {
  const virtualMachineId = await machineOfSnapshot(options.database, request.snapshotId);
  if (virtualMachineId === null) return noSuchSnapshot('snapshotId');
  const ids = newCloneIds();
  const asked = { principal, request: { ...request, virtualMachineId, planHash: null }, subjectId: ids.machineId };
  const started = await startOperation(options, cloneStarter(ids), asked);
  return started.ok ? done({ virtualMachineId: started.value.subjectId, operationId: started.value.operationId }) : started;
}
