/** Reads of operations and their steps for the public API; every function takes the scope. */
import { z } from 'zod';
import { type ActorRecord, actorRecord } from '../access/actor.js';
import type { AccessScope } from '../access/principal.js';
import { ownedBy } from '../access/scope.js';
import type { PageRequest, Slice } from '../graphql/page.js';
import type { Reader } from '../platform/database.js';
import type { Operation, OperationStep, Prisma } from '../platform/generated/client.js';

/** Why something failed, as it is recorded on operations and snapshots. */
export const operationError = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean().default(false),
  hint: z
    .string()
    .nullish()
    .transform((hint) => hint ?? null),
});

/** An operation as the API shows it. */
export type OperationRecord = {
  __typename: 'Operation';
  id: string;
  kind: string;
  state: Operation['state'];
  projectId: string | null;
  virtualMachineId: string | null;
  subjectType: string | null;
  subjectId: string | null;
  revision: number;
  phase: string | null;
  startedBy: ActorRecord;
  error: z.infer<typeof operationError> | null;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
};

/** A step as the API shows it. */
export type StepRecord = Pick<
  OperationStep,
  'id' | 'operationId' | 'position' | 'kind' | 'description' | 'volumeId' | 'state' | 'startedAt' | 'finishedAt'
>;

/** What operations are wanted; null does not filter. */
export type OperationFilterRecord = {
  operationIds: readonly string[] | null;
  projectId: string | null;
  virtualMachineId: string | null;
  subjectId: string | null;
  states: readonly Operation['state'][] | null;
};

function toRecord(row: Operation): OperationRecord {
  const { id, kind, state, projectId, virtualMachineId, subjectType, subjectId, revision, phase, createdAt, startedAt, finishedAt } = row;
  return {
    __typename: 'Operation' as const,
    id,
    kind,
    state,
    projectId,
    virtualMachineId,
    subjectType,
    subjectId,
    revision,
    phase,
    createdAt,
    startedAt,
    finishedAt,
    startedBy: actorRecord.parse(row.startedBy),
    error: row.error === null ? null : operationError.parse(row.error),
  };
}

/** The operations with these ids that the scope may read, in no order. */
export async function findOperations(reader: Reader, scope: AccessScope, ids: readonly string[]): Promise<OperationRecord[]> {
  const rows = await reader.operation.findMany({ where: { id: { in: [...ids] }, ...ownedBy(scope) } });
  return rows.map(toRecord);
}

/** A page of operations, newest first. */
export async function pageOperations(
  reader: Reader,
  wanted: { scope: AccessScope; filter: OperationFilterRecord; page: PageRequest },
): Promise<Slice<OperationRecord>> {
  const where: Prisma.OperationWhereInput = { AND: [ownedBy(wanted.scope), whereOf(wanted.filter)] };
  const { after, take } = wanted.page;
  const rows = await reader.operation.findMany({
    where: { AND: [where, after === null ? {} : { id: { lt: after } }] },
    orderBy: { id: 'desc' },
    take: take + 1,
  });
  return { rows: rows.map(toRecord), count: () => reader.operation.count({ where }) };
}

function whereOf(filter: OperationFilterRecord): Prisma.OperationWhereInput {
  const where: Prisma.OperationWhereInput = {};
  if (filter.operationIds !== null) where.id = { in: [...filter.operationIds] };
  if (filter.projectId !== null) where.projectId = filter.projectId;
  if (filter.virtualMachineId !== null) where.virtualMachineId = filter.virtualMachineId;
  if (filter.subjectId !== null) where.subjectId = filter.subjectId;
  if (filter.states !== null) where.state = { in: [...filter.states] };
  return where;
}

/** The same rule as in the query, for one operation in memory. */
export function matchesOperation(filter: OperationFilterRecord, operation: OperationRecord): boolean {
  if (filter.operationIds !== null && !filter.operationIds.includes(operation.id)) return false;
  if (filter.projectId !== null && operation.projectId !== filter.projectId) return false;
  if (filter.virtualMachineId !== null && operation.virtualMachineId !== filter.virtualMachineId) return false;
  if (filter.subjectId !== null && operation.subjectId !== filter.subjectId) return false;
  return filter.states === null || filter.states.includes(operation.state);
}

/** The steps of these operations, in their order. The caller was shown the operations already. */
export async function stepsOfOperations(reader: Reader, operationIds: readonly string[]): Promise<StepRecord[]> {
  return reader.operationStep.findMany({ where: { operationId: { in: [...operationIds] } }, orderBy: { position: 'asc' } });
}

/** The operations that hold these machines or volumes now, by the claim's resource (`machine:<id>`, `volume:<id>`). */
export async function holdersOf(reader: Reader, resources: readonly string[]): Promise<{ resource: string; operationId: string }[]> {
  return reader.claim.findMany({ where: { resource: { in: [...resources] } }, select: { resource: true, operationId: true } });
}
