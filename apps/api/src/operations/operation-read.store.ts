import type { Operation, OperationState, OperationStep, Prisma } from '../platform/generated/client.js';
import type { Reader } from '../platform/database.js';

export type { Operation as OperationRow, OperationStep as OperationStepRow };

/** Which operations; null fields do not filter, scope null is ADMIN. */
export type OperationFilter = {
  scope: readonly string[] | null;
  ids: readonly string[] | null;
  projectId: string | null;
  virtualMachineId: string | null;
  subjectId: string | null;
  states: readonly OperationState[] | null;
};

/** Operations by id, in no order; ids that are not there are left out. */
export async function findOperations(reader: Reader, ids: readonly string[]): Promise<Operation[]> {
  return reader.operation.findMany({ where: { id: { in: [...ids] } } });
}

/** Steps of these operations, in order of operation and position. */
export async function stepsOfOperations(reader: Reader, operationIds: readonly string[]): Promise<OperationStep[]> {
  return reader.operationStep.findMany({
    where: { operationId: { in: [...operationIds] } },
    orderBy: [{ operationId: 'asc' }, { position: 'asc' }],
  });
}

/** A page, newest first; `after` is the id of the last one seen. */
export async function pageOperations(
  reader: Reader,
  page: { filter: OperationFilter; after: string | null; first: number },
): Promise<Operation[]> {
  return reader.operation.findMany({
    where: { AND: [whereOf(page.filter), page.after === null ? {} : { id: { lt: page.after } }] },
    orderBy: { id: 'desc' },
    take: page.first,
  });
}

/** How many there are. */
export async function countOperations(reader: Reader, filter: OperationFilter): Promise<number> {
  return reader.operation.count({ where: whereOf(filter) });
}

function whereOf(filter: OperationFilter): Prisma.OperationWhereInput {
  const all: Prisma.OperationWhereInput[] = [];
  if (filter.scope !== null) all.push({ projectId: { in: [...filter.scope] } });
  if (filter.ids !== null) all.push({ id: { in: [...filter.ids] } });
  if (filter.projectId !== null) all.push({ projectId: filter.projectId });
  if (filter.virtualMachineId !== null) all.push({ virtualMachineId: filter.virtualMachineId });
  if (filter.subjectId !== null) all.push({ subjectId: filter.subjectId });
  if (filter.states !== null) all.push({ state: { in: [...filter.states] } });
  return { AND: all };
}
