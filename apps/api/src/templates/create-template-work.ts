/**
 * What becomes of a template and its files while createTemplate runs:
 *
 *   the template  CREATING → READY | ERROR        its layers  PLANNED → PRESENT | DISCARDED
 *
 * Its files count only once all of them are whole, in one transaction.
 */
import type { Failed, Next, OperationWork, Turn } from '../operations/operation-work.js';
import { keepError } from '../operations/operation.store.js';
import { operationError, type OperationError } from '../operations/operation-error.js';
import { discardCopies } from '../volumes/copies/copies.js';
import { discardedCopies, giveUpCopies, noteSize } from '../volumes/copies/copies.store.js';
import { moveLayers } from '../volumes/volume.store.js';
import { CREATE_TEMPLATE, type TemplateRecord, templateRecord } from './template-record.js';
import { moveTemplate } from './template.store.js';

/** The work of createTemplate, for the operation engine. */
export const createTemplateWork: OperationWork = {
  kind: CREATE_TEMPLATE,

  async begun() {
    // It is CREATING since it was asked for.
  },

  async advanced(turn, { index, result }) {
    const record = recordOf(turn);
    if (result.verb !== 'copy-layer') throw new Error(`operation ${turn.operation.id} makes a template and was answered ${result.verb}`);
    const made = record.copies[index];
    if (!made) throw new Error(`operation ${turn.operation.id} was answered a copy of no disk`);
    await noteSize(turn.transaction, made, result.allocatedBytes);
    if (index === record.copies.length - 1) await commitTemplate(turn, record);
    return { kind: 'next' };
  },

  async failed(turn, { index, error, neverSent, saidByHost, isCancelled }: Failed): Promise<Next> {
    const record = recordOf(turn);
    const nothingMade = index === 0 && (neverSent || saidByHost);
    await failTemplate(turn, { record, error, layersBecome: nothingMade ? 'DISCARDED' : 'DISCARDING' });
    if (nothingMade) return { kind: 'end', state: isCancelled ? 'CANCELLED' : 'FAILED', error };
    return { kind: 'clean-up', stage: discardCopies(turn.machine.domainUuid, record.copies) };
  },

  async cleanedUp(turn, { error }) {
    const first = operationError.parse(turn.operation.error);
    // What could not be removed is known (DISCARDING); deleting the template tries again.
    if (error)
      return { kind: 'end', state: 'FAILED', error: { ...first, hint: `Files are left (${error.message}). Delete the template.` } };
    await discardedCopies(turn.transaction, recordOf(turn).copies);
    return { kind: 'end', state: turn.operation.state === 'CANCELLING' ? 'CANCELLED' : 'FAILED', error: first };
  },

  async abandoned(turn, error) {
    const record = recordOf(turn);
    await failTemplate(turn, { record, error, layersBecome: 'DISCARDING' });
  },

  cancelEffect: () => 'The copy stops and is removed; the template stays in ERROR until it is deleted.',
};

function recordOf(turn: Turn): TemplateRecord {
  return templateRecord.parse(turn.operation.record);
}

async function commitTemplate(turn: Turn, { templateId, copies }: TemplateRecord): Promise<void> {
  await turn.transaction.layer.updateMany({
    where: { id: { in: copies.map(({ layerId }) => layerId) } },
    data: { isFrozen: true, isTemplate: true },
  });
  const layerIds = copies.map(({ layerId }) => layerId);
  await moveLayers(turn.transaction, layerIds, { from: 'PLANNED', to: 'PRESENT' });
  await moveTemplate(turn, { templateId, from: 'CREATING', to: 'READY', event: 'finish', reason: null });
}

type FailedTemplate = { record: TemplateRecord; error: OperationError; layersBecome: 'DISCARDING' | 'DISCARDED' };

async function failTemplate(turn: Turn, { record, error, layersBecome }: FailedTemplate): Promise<void> {
  const { templateId, copies } = record;
  await giveUpCopies(turn.transaction, copies, layersBecome);
  await turn.transaction.template.update({ where: { id: templateId }, data: { error } });
  await moveTemplate(turn, { templateId, from: 'CREATING', to: 'ERROR', event: 'fail', reason: error.message });
  await keepError(turn.transaction, turn.operation.id, error);
}
