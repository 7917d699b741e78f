import { assertTransition, OPERATION_LIFECYCLE, type OperationState } from '@coppice/snapshot-tree';
import type { ActorRecord } from '../access/principal.js';
import { actorRecord } from '../events/actor-record.js';
import { insertTransitions } from '../events/transition.store.js';
import { type Operation, type OperationStep, Prisma } from '../platform/generated/client.js';
import type { Reader, Transaction } from '../platform/database.js';
import { releaseClaims } from './claim.store.js';
import type { OperationError } from './operation-error.js';
import { type JsonRecord, planJson, readPlan, type Stage } from './program.js';

/** An operation as it is stored. */
export type { Operation as OperationRow } from '../platform/generated/client.js';

/** An operation that has not ended, as its work sees it. */
export type OpenOperation = {
  id: string;
  kind: string;
  projectId: string | null;
  virtualMachineId: string;
  subjectId: string | null;
  state: OperationState;
  revision: number;
  /** What its own slice wrote when it planned; read back with that slice's schema. */
  record: unknown;
  /** Its commands in order. */
  program: Stage[];
  error: unknown;
  actor: ActorRecord;
};

/** A new operation, RUNNING at once. */
export type NewOperation = {
  id: string;
  kind: string;
  projectId: string;
  virtualMachineId: string;
  subjectType: string;
  subjectId: string;
  actor: ActorRecord;
  at: Date;
};

/** What is decided once its claims are taken: its plan, and its steps, QUEUED. */
export type OperationPlan = {
  planHash: string | null;
  /** What its slice needs at the turning points. */
  record: JsonRecord;
  program: readonly Stage[];
  steps: readonly { kind: string; description: string; volumeId: string | null }[];
};

/** Inserts the bare row, so that claims can name it. Nobody sees it before the transaction commits. */
export async function insertOperation(transaction: Transaction, created: NewOperation): Promise<void> {
  const { actor, at, ...rest } = created;
  await transaction.operation.create({ data: { ...rest, plan: {}, startedBy: actor, state: 'RUNNING', createdAt: at, startedAt: at } });
}

/** Gives it its plan, its steps and its first transition. Its claims are taken. */
export async function planOperation(transaction: Transaction, created: NewOperation, plan: OperationPlan): Promise<void> {
  await writePlan(transaction, created.id, { plan, from: 0 });
  await insertTransitions(transaction, [told(created, { from: null, to: 'RUNNING', event: 'start', reason: null })]);
}

/** Its steps begin at position `from`. */
async function writePlan(
  transaction: Transaction,
  operationId: string,
  { plan, from }: { plan: OperationPlan; from: number },
): Promise<void> {
  const { steps, record, planHash } = plan;
  const program = plan.program.map((stage) => ({ ...stage, steps: stage.steps.map((position) => position + from) }));
  await transaction.operation.update({ where: { id: operationId }, data: { plan: planJson(record, program), planHash } });
  await transaction.operationStep.createMany({
    data: steps.map(({ kind, description, volumeId }, position) => ({
      kind,
      description,
      volumeId,
      position: position + from,
      operationId,
      state: 'QUEUED',
    })),
  });
}

type Told = { from: OperationState | null; to: OperationState; event: string; reason: string | null };

/** A transition of an operation. */
function told(operation: Pick<OpenOperation, 'id' | 'projectId' | 'virtualMachineId' | 'actor'>, move: Told) {
  const { id, projectId, virtualMachineId, actor } = operation;
  const fixed = { subjectType: 'OPERATION' as const, subjectId: id, operationId: id, treeChanges: [] };
  return { ...fixed, ...move, projectId, virtualMachineId, actor };
}

/** Locks the operation and answers it while it is open; null when it has ended. Throws when there is none. */
export async function lockOpenOperation(transaction: Transaction, operationId: string): Promise<OpenOperation | null> {
  await transaction.$queryRaw`SELECT id FROM operation WHERE id = ${operationId}::uuid FOR NO KEY UPDATE`;
  const row = await transaction.operation.findUniqueOrThrow({ where: { id: operationId } });
  return row.state === 'RUNNING' || row.state === 'CANCELLING' ? toOpen(row) : null;
}

/** Says what it is doing now, in a few words for people. */
export async function setPhase(transaction: Transaction, operationId: string, phase: string): Promise<void> {
  await transaction.operation.update({ where: { id: operationId }, data: { phase, revision: { increment: 1 } } });
}

/** Keeps the error of an operation that still has to clean up before it ends. */
export async function keepError(transaction: Transaction, operationId: string, error: OperationError): Promise<void> {
  await transaction.operation.update({ where: { id: operationId }, data: { error, revision: { increment: 1 } } });
}

/** Moves the steps at these positions (null: all) that are in one of `from`. Raises the revision where any moved. */
export async function moveSteps(
  transaction: Transaction,
  operationId: string,
  move: { positions: readonly number[] | null; from: readonly OperationState[]; to: OperationState; at: Date },
): Promise<void> {
  const moved = await transaction.operationStep.updateMany({
    where: { operationId, state: { in: [...move.from] }, ...(move.positions === null ? {} : { position: { in: [...move.positions] } }) },
    data: { state: move.to, ...(move.to === 'RUNNING' ? { startedAt: move.at } : { finishedAt: move.at }) },
  });
  if (moved.count > 0) await transaction.operation.update({ where: { id: operationId }, data: { revision: { increment: 1 } } });
}

/** Ends it: state by compare-and-set, what was left of its steps, its claims, its transition, all in the caller's transaction. */
export async function endOperation(
  transaction: Transaction,
  operation: OpenOperation,
  end: { state: 'SUCCEEDED' | 'FAILED' | 'CANCELLED'; error: OperationError | null; at: Date },
): Promise<void> {
  assertTransition(OPERATION_LIFECYCLE, { subject: `operation ${operation.id}`, from: operation.state, to: end.state });
  const changed = await transaction.operation.updateMany({
    where: { id: operation.id, state: operation.state },
    data: {
      state: end.state,
      phase: null,
      finishedAt: end.at,
      revision: { increment: 1 },
      ...(end.error ? { error: end.error } : {}),
    },
  });
  if (changed.count !== 1) throw new Error(`operation ${operation.id} was not ${operation.state} any more while its row was locked`);
  // Steps of a success that no command carried out, such as a layer that is kept, are done with it.
  const rest = end.state === 'SUCCEEDED' ? 'SUCCEEDED' : 'CANCELLED';
  await moveSteps(transaction, operation.id, { positions: null, from: ['QUEUED', 'RUNNING'], to: rest, at: end.at });
  await releaseClaims(transaction, operation.id);
  const event = end.state === 'SUCCEEDED' ? 'finish' : end.state === 'CANCELLED' ? 'cancel' : 'fail';
  await insertTransitions(transaction, [
    told(operation, { from: operation.state, to: end.state, event, reason: end.error?.message ?? null }),
  ]);
}

/** RUNNING → CANCELLING, with its transition. */
export async function askToCancel(transaction: Transaction, operation: OpenOperation): Promise<void> {
  assertTransition(OPERATION_LIFECYCLE, { subject: `operation ${operation.id}`, from: operation.state, to: 'CANCELLING' });
  await transaction.operation.update({ where: { id: operation.id }, data: { state: 'CANCELLING', revision: { increment: 1 } } });
  await insertTransitions(transaction, [told(operation, { from: operation.state, to: 'CANCELLING', event: 'cancel', reason: null })]);
}

type Reopened = { operationId: string; actor: ActorRecord; plan: OperationPlan | null; at: Date };

/**
 * FAILED | CANCELLED → RUNNING. With a new plan its steps follow those that are done, and the rest of the old ones go; without one the old program goes
 * on. Rolls back by throwing where it is neither any more.
 */
export async function reopenOperation(transaction: Transaction, { operationId, actor, plan, at }: Reopened): Promise<void> {
  const { state } = await transaction.operation.findUniqueOrThrow({ where: { id: operationId }, select: { state: true } });
  assertTransition(OPERATION_LIFECYCLE, { subject: `operation ${operationId}`, from: state, to: 'RUNNING' });
  const reopened = await transaction.operation.updateMany({
    where: { id: operationId, state },
    data: { state: 'RUNNING', finishedAt: null, error: Prisma.DbNull, startedAt: at, revision: { increment: 1 } },
  });
  if (reopened.count !== 1) throw new Error(`operation ${operationId} is not ${state} any more`);
  if (plan === null) {
    await moveSteps(transaction, operationId, { positions: null, from: ['FAILED', 'CANCELLED'], to: 'QUEUED', at });
  } else {
    await transaction.operationStep.deleteMany({ where: { operationId, state: { not: 'SUCCEEDED' } } });
    const last = await transaction.operationStep.aggregate({ where: { operationId }, _max: { position: true } });
    await writePlan(transaction, operationId, { plan, from: (last._max.position ?? -1) + 1 });
  }
  const row = await transaction.operation.findUniqueOrThrow({ where: { id: operationId } });
  await insertTransitions(transaction, [told({ ...toOpen(row), actor }, { from: state, to: 'RUNNING', event: 'retry', reason: null })]);
}

/** Operations by id, in no order; ids that are not there are left out. */
export async function findOperations(reader: Reader, ids: readonly string[]): Promise<Operation[]> {
  return reader.operation.findMany({ where: { id: { in: [...ids] } } });
}

/** The steps of an operation, in order. */
export async function stepsOfOperation(reader: Reader, operationId: string): Promise<OperationStep[]> {
  return reader.operationStep.findMany({ where: { operationId }, orderBy: { position: 'asc' } });
}

/** All operations that have not ended, oldest first, with their machines; at most a thousand. */
export async function openOperations(reader: Reader): Promise<{ id: string; virtualMachineId: string }[]> {
  const rows = await reader.operation.findMany({
    where: { state: { in: ['RUNNING', 'CANCELLING'] }, virtualMachineId: { not: null } },
    select: { id: true, virtualMachineId: true },
    orderBy: { virtualMachineId: 'asc' },
    take: 1000,
  });
  return rows.flatMap(({ id, virtualMachineId }) => (virtualMachineId === null ? [] : [{ id, virtualMachineId }]));
}

/** Those whose machine is on this host, in order of machine. */
export async function openOperationsOnHost(reader: Reader, hostId: string): Promise<{ id: string; virtualMachineId: string }[]> {
  const rows = await reader.operation.findMany({
    where: { state: { in: ['RUNNING', 'CANCELLING'] }, virtualMachine: { hostId } },
    select: { id: true, virtualMachineId: true },
    orderBy: { virtualMachineId: 'asc' },
  });
  return rows.flatMap(({ id, virtualMachineId }) => (virtualMachineId === null ? [] : [{ id, virtualMachineId }]));
}

function toOpen(row: Operation): OpenOperation {
  if (!row.virtualMachineId) throw new Error(`operation ${row.id} (${row.kind}) has no machine`);
  return {
    id: row.id,
    kind: row.kind,
    projectId: row.projectId,
    virtualMachineId: row.virtualMachineId,
    subjectId: row.subjectId,
    state: row.state,
    revision: row.revision,
    ...readPlan(row.plan),
    error: row.error,
    actor: actorRecord.parse(row.startedBy),
  };
}
