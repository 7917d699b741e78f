import { checkSnapshotAccess } from '../vm-snapshots/snapshot-access.js';
import type { MachineFacts } from '../machines/machine-facts.store.js';
import type { OperationPlan } from '../operations/operation.store.js';
import { resourceOf } from '../operations/claim.store.js';
import type { Starter, Starting } from '../operations/start-operation.store.js';
import { newId } from '../platform/ids.js';
import { Prisma } from '../platform/generated/client.js';
import { copiesOf, copyLayers, type NewVolumeIds, resourcesOfCopies } from '../volumes/copies/copies.js';
import { insertCopies } from '../volumes/copies/copies.store.js';
import { decideSource, type Source } from '../volumes/copies/decide-source.js';
import { CREATE_TEMPLATE, type TemplateRecord } from './template-record.js';
import { tellOfTemplate } from './template.store.js';

/** The request with the machine that the snapshot is of. */
export type TemplateRequest = { snapshotId: string; name: string; virtualMachineId: string; planHash: null; idempotencyKey: string | null };

/** How createTemplate starts; the operation is of the snapshot's machine, its subject is the template. */
export function createTemplateStarter(volumes: NewVolumeIds): Starter<TemplateRequest, Source> {
  return {
    kind: CREATE_TEMPLATE,
    subjectType: 'TEMPLATE',
    machineState: null,
    alsoRead: ({ name }) => ({ templateName: name }),
    access: checkTemplateAccess,
    decide: (_principal, request, facts) => decideTemplate(request, facts),
    resources: ({ disks }, machineId) => [resourceOf.machine(machineId), ...resourcesOfCopies(disks, volumes)],
    subjectName: (source) => source.snapshot.name,
    write: (starting) => writeTemplate(starting, volumes),
  };
}

/** Who may make one; also what an action on a snapshot is asked with. */
export function checkTemplateAccess(...[principal, facts]: Parameters<Starter<TemplateRequest, Source>['access']>) {
  return checkSnapshotAccess(principal, facts, { what: 'Making a template', field: 'vmSnapshotId' });
}

/** Whether a template may be made of a snapshot now. Pure. */
export function decideTemplate({ snapshotId, name }: Pick<TemplateRequest, 'snapshotId' | 'name'>, facts: MachineFacts) {
  return decideSource({ snapshotId, name, isCopied: true, thing: 'a template', what: 'a template can be made of it' }, facts);
}

async function writeTemplate(starting: Starting<TemplateRequest, Source>, volumes: NewVolumeIds): Promise<OperationPlan> {
  const { transaction, decision, facts, request, projectId, principal, operationId, at, subjectId: templateId } = starting;
  const { disks, snapshot } = decision;
  const copies = copiesOf(facts, disks, volumes);
  const { definition } = await transaction.vmSnapshot.findUniqueOrThrow({ where: { id: snapshot.id }, select: { definition: true } });
  await insertCopies(transaction, { copies, disks, facts, name: request.name, projectId, virtualMachineId: null, isCopied: true });
  await transaction.template.create({
    data: {
      id: templateId,
      projectId,
      virtualMachineId: facts.machine.id,
      name: request.name,
      state: 'CREATING',
      createdAt: at,
      createdBy: principal.actor,
      definition: definition ?? Prisma.DbNull,
      disks: { create: copies.map(({ layerId, target }) => ({ id: newId(), layerId, target })) },
    },
  });
  const mover = { transaction, operation: { id: operationId, actor: principal.actor } };
  const born = { from: null, to: 'CREATING' as const, event: 'create', reason: null };
  await tellOfTemplate(mover, { templateId, projectId, virtualMachineId: facts.machine.id, ...born });
  const record: TemplateRecord = { templateId, copies };
  return { planHash: null, record, ...copyLayers(facts.machine.domainUuid, copies) };
}
