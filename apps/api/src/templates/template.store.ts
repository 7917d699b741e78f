import { assertTransition, TEMPLATE_LIFECYCLE, type TemplateState } from '@coppice/snapshot-tree';
import { insertTransitions } from '../events/transition.store.js';
import type { OpenOperation } from '../operations/operation.store.js';
import type { Reader, Transaction } from '../platform/database.js';

/** Who moves it: an operation, in its transaction. A Turn is one. */
type Mover = { transaction: Transaction; operation: Pick<OpenOperation, 'id' | 'actor'> };

export type TemplateMove = { templateId: string; from: TemplateState; to: TemplateState; event: string; reason: string | null };

/** State by compare-and-set, then its transition. */
export async function moveTemplate({ transaction, operation }: Mover, move: TemplateMove): Promise<void> {
  const { templateId, from, to, event, reason } = move;
  assertTransition(TEMPLATE_LIFECYCLE, { subject: `template ${templateId}`, from, to });
  const [moved] = await transaction.template.updateManyAndReturn({
    where: { id: templateId, state: from },
    data: { state: to },
    select: { projectId: true, virtualMachineId: true },
  });
  if (!moved) throw new Error(`template ${templateId} was not ${from} any more while its machine was locked`);
  await tellOfTemplate({ transaction, operation }, { ...moved, templateId, from, to, event, reason });
}

type Told = Omit<TemplateMove, 'from'> & { from: TemplateState | null; projectId: string; virtualMachineId: string };

/** A transition of a template; `from` null: it begins to exist. It is shown in its project, not as its machine's. */
export async function tellOfTemplate({ transaction, operation }: Mover, told: Told): Promise<void> {
  const { templateId, projectId, from, to, event, reason } = told;
  await insertTransitions(transaction, [
    {
      projectId,
      virtualMachineId: null,
      subjectType: 'TEMPLATE',
      subjectId: templateId,
      from,
      to,
      event,
      reason,
      actor: operation.actor,
      operationId: operation.id,
      treeChanges: [],
    },
  ]);
}

/** A template with its files, and how many layers were written over them; null where there is none. */
export async function readTemplate(reader: Reader, templateId: string) {
  const template = await reader.template.findUnique({
    where: { id: templateId },
    include: { disks: { include: { layer: { include: { volume: { include: { pool: true } } } } } } },
  });
  if (!template) return null;
  const layerIds = template.disks.map((disk) => disk.layerId);
  const readers = await reader.layer.count({
    where: { backingLayerId: { in: layerIds }, state: { in: ['PLANNED', 'PRESENT', 'DISCARDING'] } },
  });
  return { ...template, readers };
}

export type TemplateFacts = NonNullable<Awaited<ReturnType<typeof readTemplate>>>;
