import type { Principal } from '../access/principal.js';
import { refusalFor } from '../access/refusals.js';
import { auditRefusal } from '../audit/audit.store.js';
import { done, type Outcome, refused } from '../errors/refusal.js';
import { type StartOptions, startOperation } from '../operations/start-operation.js';
import type { OperationWork } from '../operations/operation-work.js';
import { noSuchSnapshot } from '../vm-snapshots/snapshot-access.js';
import { machineOfSnapshot } from '../vm-snapshots/snapshot.store.js';
import { newVolumeIds } from '../volumes/copies/copies.js';
import { createTemplateStarter } from './create-template.store.js';
import { createTemplateWork } from './create-template-work.js';
import { deleteTemplateStarter, deleteTemplateWork } from './delete-template.store.js';
import { CREATE_TEMPLATE, DELETE_TEMPLATE } from './template-record.js';
import { readTemplate } from './template.store.js';
import type { CreateTemplateRequest, DeleteTemplateRequest, Templates } from './templates.contract.js';

/** What becomes of templates while their operations run, for the engine. */
export const templateWorks: readonly OperationWork[] = [createTemplateWork, deleteTemplateWork];

/** Makes the use cases. See the contract file for what each promises. */
export function createTemplates(options: StartOptions): Templates {
  const { database } = options;
  return {
    async create(principal, request) {
      const tried = { principal, action: CREATE_TEMPLATE, projectId: null, subjectId: request.vmSnapshotId };
      return auditRefusal(database, tried, await create(options, principal, request));
    },
    async delete(principal, request) {
      const tried = { principal, action: DELETE_TEMPLATE, projectId: null, subjectId: request.templateId };
      return auditRefusal(database, tried, await remove(options, principal, request));
    },
  };
}

type Started = Outcome<{ templateId: string; operationId: string }>;

async function create(options: StartOptions, principal: Principal, request: CreateTemplateRequest): Promise<Started> {
  const { name, vmSnapshotId, volumeSnapshotId, volumeId, idempotencyKey } = request;
  const given = [vmSnapshotId, volumeSnapshotId, volumeId].filter((id) => id !== null);
  if (given.length !== 1) {
    return refused({
      code: 'INVALID_INPUT',
      message: 'Give exactly one source: a VM snapshot, a volume snapshot or a volume. Nothing was changed.',
    });
  }
  if (vmSnapshotId === null) {
    const path = [volumeId === null ? 'volumeSnapshotId' : 'volumeId'];
    const message = 'This version makes templates of VM snapshots alone. Take one of the machine, and give its id as vmSnapshotId.';
    return refused({ code: 'CAPABILITY_DISABLED', message, path });
  }
  const virtualMachineId = await machineOfSnapshot(options.database, vmSnapshotId);
  if (virtualMachineId === null) return noSuchSnapshot('vmSnapshotId');
  const asked = { snapshotId: vmSnapshotId, name, virtualMachineId, planHash: null, idempotencyKey };
  return onTemplate(await startOperation(options, createTemplateStarter(newVolumeIds()), { principal, request: asked }));
}

async function remove(
  options: StartOptions,
  principal: Principal,
  { templateId, idempotencyKey }: DeleteTemplateRequest,
): Promise<Started> {
  const template = await readTemplate(options.database, templateId);
  const refusal = refusalFor(principal, { projectId: template?.projectId ?? null, what: 'The template', path: ['templateId'] }, 'OWNER');
  if (refusal || !template) return refused(refusal ?? { code: 'NOT_FOUND', message: 'The template was not found.', path: ['templateId'] });
  const asked = { templateId, virtualMachineId: template.virtualMachineId, planHash: null, idempotencyKey };
  return onTemplate(await startOperation(options, deleteTemplateStarter, { principal, request: asked, subjectId: templateId }));
}

function onTemplate(started: Awaited<ReturnType<typeof startOperation>>): Started {
  return started.ok ? done({ templateId: started.value.subjectId, operationId: started.value.operationId }) : started;
}
