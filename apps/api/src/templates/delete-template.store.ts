import { refusalFor } from '../access/refusals.js';
import { done, type Outcome, type Refusal, refused } from '../errors/refusal.js';
import { checkFree, checkHost } from '../machines/check-machine.js';
import { namedVolume } from '../machines/layer-names.js';
import type { MachineFacts } from '../machines/machine-facts.store.js';
import { resourceOf } from '../operations/claim.store.js';
import type { OperationPlan } from '../operations/operation.store.js';
import type { Failed, Next, OperationWork, Turn } from '../operations/operation-work.js';
import type { Starter, Starting } from '../operations/start-operation.store.js';
import { moveLayers } from '../volumes/volume.store.js';
import { DELETE_TEMPLATE, deletedTemplateRecord } from './template-record.js';
import { moveTemplate, type TemplateFacts } from './template.store.js';

/** The request with the machine that the template was made of, which may be gone: its host is asked. */
export type DeleteRequest = { templateId: string; virtualMachineId: string; planHash: null; idempotencyKey: string | null };

/** How deleteTemplate starts. */
export const deleteTemplateStarter: Starter<DeleteRequest, TemplateFacts> = {
  kind: DELETE_TEMPLATE,
  subjectType: 'TEMPLATE',
  machineState: null,
  alsoRead: ({ templateId }) => ({ templateId }),
  access(principal, facts) {
    const template = facts?.template ?? null;
    const refusal = refusalFor(principal, { projectId: template?.projectId ?? null, what: 'The template', path: ['templateId'] }, 'OWNER');
    if (refusal || !template) return refused(refusal ?? notThere());
    return template.state === 'DELETED' ? refused(notThere()) : done(template.projectId);
  },
  decide: (_principal, _request, facts) => decideDeleteTemplate(facts),
  resources: ({ disks }, machineId) => [resourceOf.machine(machineId), ...disks.map(({ layer }) => resourceOf.layerForest(layer.volumeId))],
  subjectName: (template) => template.name,
  write: writeDelete,
};

function notThere(): Refusal {
  return { code: 'NOT_FOUND', message: 'The template was not found. Nothing was changed; check the id.', path: ['templateId'] };
}

/** Whether a template may go now. Pure. */
export function decideDeleteTemplate(facts: MachineFacts): Outcome<TemplateFacts> {
  const { template } = facts;
  if (!template) return refused(notThere());
  const refusal = checkFree(facts) ?? checkState(template) ?? checkReaders(template) ?? checkHost(facts, []);
  return refusal ? refused(refusal) : done(template);
}

function checkState({ state }: TemplateFacts): Refusal | null {
  if (state === 'READY' || state === 'ERROR') return null;
  return { code: 'MACHINE_BUSY', message: `The template is ${state}, which an operation is at. Try again when that has ended.` };
}

function checkReaders({ readers }: TemplateFacts): Refusal | null {
  if (readers === 0) return null;
  const message = `${readers} layers of volumes read the template. Flatten or destroy what was made of it first.`;
  return { code: 'HAS_CLONES', message, path: ['templateId'] };
}

async function writeDelete({
  transaction,
  decision,
  facts,
  operationId,
  principal,
}: Starting<DeleteRequest, TemplateFacts>): Promise<OperationPlan> {
  const { id: templateId, state, disks } = decision;
  const mover = { transaction, operation: { id: operationId, actor: principal.actor } };
  await moveTemplate(mover, { templateId, from: state, to: 'DELETING', event: 'delete', reason: null });
  const layers = disks.map(({ layer }) => ({ volumeId: namedVolume(layer), pool: layer.volume.pool.name, fileName: layer.fileName }));
  return {
    planHash: null,
    record: { templateId, layerIds: disks.map(({ layerId }) => layerId), wasReady: state === 'READY' },
    steps: [{ kind: 'DISCARD_LAYER', description: `Discard ${layers.length} files.`, volumeId: null }],
    program: [
      {
        phase: 'Discarding its files',
        steps: [0],
        body: { verb: 'discard-layers', machineUuid: facts.machine.domainUuid, layers, snapshotFiles: [] },
      },
    ],
  };
}

/** What becomes of the template and its files. */
export const deleteTemplateWork: OperationWork = {
  kind: DELETE_TEMPLATE,

  async begun(turn) {
    await moveLayers(turn.transaction, recordOf(turn).layerIds, { from: 'PRESENT', to: 'DISCARDING' });
    await moveLayers(turn.transaction, recordOf(turn).layerIds, { from: 'PLANNED', to: 'DISCARDING' });
  },

  async advanced(turn) {
    const { templateId, layerIds } = recordOf(turn);
    await moveLayers(turn.transaction, layerIds, { from: 'DISCARDING', to: 'DISCARDED' });
    await moveTemplate(turn, { templateId, from: 'DELETING', to: 'DELETED', event: 'finish', reason: null });
    return { kind: 'next' };
  },

  async failed(turn, { error, neverSent, isCancelled }: Failed): Promise<Next> {
    const { templateId, wasReady } = recordOf(turn);
    const to = neverSent && wasReady ? ('READY' as const) : ('ERROR' as const);
    if (to === 'ERROR') await turn.transaction.template.update({ where: { id: templateId }, data: { error } });
    await moveTemplate(turn, { templateId, from: 'DELETING', to, event: 'fail', reason: error.message });
    return { kind: 'end', state: isCancelled ? 'CANCELLED' : 'FAILED', error };
  },

  async cleanedUp(turn) {
    throw new Error(`operation ${turn.operation.id} deletes a template, asks for no clean-up, and was answered one`);
  },

  async abandoned(turn, error) {
    const { templateId } = recordOf(turn);
    await turn.transaction.template.update({ where: { id: templateId }, data: { error } });
    await moveTemplate(turn, { templateId, from: 'DELETING', to: 'ERROR', event: 'fail', reason: error.message });
  },

  cancelEffect: (_record, { isSent }) => (isSent ? null : 'The template stays as it is.'),
};

function recordOf(turn: Turn) {
  return deletedTemplateRecord.parse(turn.operation.record);
}
