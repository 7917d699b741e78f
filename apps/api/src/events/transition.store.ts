import { z } from 'zod';
import type { Prisma, Transition } from '../platform/generated/client.js';
import type { Reader, Transaction } from '../platform/database.js';
import { actorRecord } from './actor-record.js';
import type { FeedFilter, StreamPosition } from './event-feed.js';
import { RELAY_BATCH } from './limits.js';
import type { NewTransition, TransitionRecord } from './transition.js';

const subjectType = z.enum([
  'VIRTUAL_MACHINE',
  'VM_SNAPSHOT',
  'VOLUME',
  'VOLUME_SNAPSHOT',
  'TEMPLATE',
  'OPERATION',
  'HOST',
  'SNAPSHOT_POLICY',
  'ACCESS',
]);
const treeChanges = z.array(
  z.object({
    revision: z.number(),
    kind: z.enum(['ADDED', 'UPDATED', 'REMOVED', 'REPARENTED', 'HEAD_MOVED']),
    snapshotId: z.string().nullable(),
    parentId: z.string().nullable(),
    currentId: z.string().nullable(),
  }),
);

/**
 * Inserts transitions without a position, in the transaction of the compare-and-set that made them and under the row lock of their
 * machine, so that their ids are in the machine's order. The relay numbers them after the commit.
 */
export async function insertTransitions(transaction: Transaction, transitions: readonly NewTransition[]): Promise<void> {
  // One statement each: the order of ids is the order of this list, whatever PostgreSQL makes of a multi-row insert.
  for (const { from, to, treeChanges: changes, ...rest } of transitions) {
    await transaction.transition.create({
      data: { ...rest, fromState: from, toState: to, ...(changes.length > 0 ? { treeChanges: changes } : {}) },
      select: { id: true },
    });
  }
}

/** Numbers what is committed and has no position yet; answers the head. One short transaction of its own. */
export async function relayOnce(database: Reader): Promise<bigint> {
  const rows = await database.$queryRaw<{ head: bigint }[]>`SELECT coppice_relay(${RELAY_BATCH}::int) AS head`;
  return rows[0]?.head ?? 0n;
}

/** The channel of the relay's wake-ups; coppice_relay() in the first migration sends them. */
export const EVENTS_CHANNEL = 'coppice_events';

/** One NOTIFY, in a statement of its own. */
export async function notify(database: Reader, channel: string, payload: string): Promise<void> {
  await database.$executeRaw`SELECT pg_notify(${channel}, ${payload})`;
}

/** The head and the incarnation of this database. */
export async function readStreamHead(reader: Reader): Promise<StreamPosition> {
  const row = await reader.eventStream.findUniqueOrThrow({ where: { id: 1 } });
  return { incarnation: row.incarnation, position: row.head };
}

/** Transitions with after < position ≤ through that the filter wants, in order; at most `limit`. */
export async function readTransitions(
  reader: Reader,
  range: { after: bigint; through: bigint; filter: FeedFilter | null; limit: number },
): Promise<TransitionRecord[]> {
  const rows = await reader.transition.findMany({
    where: { pos: { gt: range.after, lte: range.through }, ...whereOf(range.filter) },
    orderBy: { pos: 'asc' },
    take: range.limit,
  });
  return rows.map(toRecord);
}

/** The history, newest first: transitions before a position that the filter wants; at most `limit`. ACCESS rows are left out. */
export async function readHistory(
  reader: Reader,
  page: { before: bigint | null; filter: FeedFilter; limit: number },
): Promise<TransitionRecord[]> {
  const rows = await reader.transition.findMany({
    where: {
      AND: [
        { pos: { not: null, ...(page.before === null ? {} : { lt: page.before }) } },
        { subjectType: { not: 'ACCESS' } },
        whereOf(page.filter),
      ],
    },
    orderBy: { pos: 'desc' },
    take: page.limit,
  });
  return rows.map(toRecord);
}

/** Whether a record is wanted: the same rule as in SQL, for records in memory. ACCESS records are wanted by every follower. */
export function matchesFilter(filter: FeedFilter, record: TransitionRecord): boolean {
  if (record.subjectType === 'ACCESS') return true;
  if (filter.projectIds !== null && (record.projectId === null || !filter.projectIds.includes(record.projectId))) return false;
  if (filter.virtualMachineId !== null && record.virtualMachineId !== filter.virtualMachineId) return false;
  if (filter.subjectId !== null && record.subjectId !== filter.subjectId) return false;
  return filter.subjectTypes === null || filter.subjectTypes.includes(record.subjectType);
}

function whereOf(filter: FeedFilter | null): Prisma.TransitionWhereInput {
  if (filter === null) return {};
  const wanted: Prisma.TransitionWhereInput = {};
  if (filter.projectIds !== null) wanted.projectId = { in: [...filter.projectIds] };
  if (filter.virtualMachineId !== null) wanted.virtualMachineId = filter.virtualMachineId;
  if (filter.subjectId !== null) wanted.subjectId = filter.subjectId;
  if (filter.subjectTypes !== null) wanted.subjectType = { in: [...filter.subjectTypes] };
  // Prisma drops an empty condition out of an OR: it would mean nothing where everything is meant.
  return Object.keys(wanted).length === 0 ? {} : { OR: [wanted, { subjectType: 'ACCESS' }] };
}

function toRecord(row: Transition): TransitionRecord {
  if (row.pos === null) throw new Error(`transition ${row.id} was read before it was numbered`);
  return {
    position: row.pos,
    at: row.at,
    projectId: row.projectId,
    virtualMachineId: row.virtualMachineId,
    subjectType: subjectType.parse(row.subjectType),
    subjectId: row.subjectId,
    from: row.fromState,
    to: row.toState,
    event: row.event,
    reason: row.reason,
    actor: actorRecord.parse(row.actor),
    operationId: row.operationId,
    treeChanges: treeChanges.parse(row.treeChanges ?? []),
  };
}
