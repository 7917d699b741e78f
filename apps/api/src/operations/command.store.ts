import { type CommandBody, commandBody, commandOutcome, type CommandOutcome } from '@coppice/protocol';
import type { Command } from '../platform/generated/client.js';
import type { Reader, Transaction } from '../platform/database.js';

/** A command as the database holds it. */
export type CommandRow = Command;

/** A command that is about to be numbered. */
type NewCommand = {
  id: string;
  hostId: string;
  operationId: string;
  machineId: string;
  machineEpoch: bigint;
  /** Its place in the operation's program; null: cleaning up. */
  stage: number | null;
  /** Positions of the operation's steps that it carries out. */
  steps: number[];
  body: CommandBody;
  expiresAt: Date;
};

/** Numbers a command on its host, within the present incarnation, and inserts it PENDING. Locks the host's row. */
export async function issueCommand(transaction: Transaction, command: NewCommand): Promise<void> {
  const { lastCommandNumber } = await transaction.host.update({
    where: { id: command.hostId },
    data: { lastCommandNumber: { increment: 1 } },
    select: { lastCommandNumber: true },
  });
  // KEY SHARE lets the relay raise the head meanwhile, and makes a new incarnation wait for us, or us for it.
  const [stream] = await transaction.$queryRaw<{ incarnation: string }[]>`
    SELECT incarnation::text FROM event_stream WHERE id = 1 FOR KEY SHARE`;
  if (!stream) throw new Error('the database has no event stream: its migrations were not applied to the end');
  const { body, ...rest } = command;
  await transaction.command.create({
    data: { ...rest, verb: body.verb, payload: body, incarnation: stream.incarnation, number: lastCommandNumber },
  });
}

/** Locks the command and answers it; null when there is none. After its host and machine (order of locks). */
export async function lockCommand(transaction: Transaction, commandId: string): Promise<CommandRow | null> {
  await transaction.$queryRaw`SELECT id FROM command WHERE id = ${commandId}::uuid FOR NO KEY UPDATE`;
  return transaction.command.findUnique({ where: { id: commandId } });
}

/** The command that an operation waits for: the one that is not finished, else null. */
export async function currentCommand(reader: Reader, operationId: string): Promise<CommandRow | null> {
  return reader.command.findFirst({ where: { operationId, state: { in: ['PENDING', 'SENT'] } }, orderBy: { number: 'desc' } });
}

/** The commands that these operations wait for, by operation. */
export async function currentCommands(reader: Reader, operationIds: readonly string[]): Promise<Map<string, CommandRow>> {
  const rows = await reader.command.findMany({ where: { operationId: { in: [...operationIds] }, state: { in: ['PENDING', 'SENT'] } } });
  return new Map(rows.map((row) => [row.operationId, row]));
}

/** The stage at which an operation failed: that of its last command of the program. */
export async function failedStage(reader: Reader, operationId: string): Promise<number> {
  const last = await reader.command.findFirst({ where: { operationId, stage: { not: null } }, orderBy: { createdAt: 'desc' } });
  if (last?.stage === null || last === null) throw new Error(`operation ${operationId} has no command of its program`);
  return last.stage;
}

/** Commands on these sessions whose operations were asked to stop. */
export async function commandsToCancel(reader: Reader, commandIds: readonly string[]): Promise<string[]> {
  const rows = await reader.command.findMany({
    where: { id: { in: [...commandIds] }, state: 'SENT', stage: { not: null }, operation: { state: 'CANCELLING' } },
    select: { id: true },
  });
  return rows.map((row) => row.id);
}

/** The command without locking anything; null when there is none. */
export async function findCommand(reader: Reader, commandId: string): Promise<CommandRow | null> {
  return reader.command.findUnique({ where: { id: commandId } });
}

/** What the command says, as it was written. */
export function bodyOf(command: CommandRow): CommandBody {
  return commandBody.parse(command.payload);
}

/**
 * The command that a session should get next, in order of number: one that is not finished and that this session has not been given,
 * be it new, sent by an older session, or marked SENT by us when the answer of the commit was lost. Null where there is none, or where
 * `limit` of the given ones are still running.
 */
export async function nextCommandOf(
  transaction: Transaction,
  session: { hostId: string; given: readonly string[]; limit: number },
): Promise<CommandRow | null> {
  const given = [...session.given];
  const running = await transaction.command.count({ where: { id: { in: given }, state: 'SENT' } });
  if (running >= session.limit) return null;
  return transaction.command.findFirst({
    where: { hostId: session.hostId, state: { in: ['PENDING', 'SENT'] }, id: { notIn: given } },
    orderBy: { number: 'asc' },
  });
}

/** Marks it SENT under this epoch, again and again as sessions come and go; false where it is finished already. */
export async function markSent(transaction: Transaction, commandId: string, sent: { epoch: bigint; at: Date }): Promise<boolean> {
  const marked = await transaction.command.updateMany({
    where: { id: commandId, state: { in: ['PENDING', 'SENT'] } },
    data: { state: 'SENT', sentEpoch: sent.epoch, sentAt: sent.at },
  });
  return marked.count === 1;
}

/** Records the outcome once; false where one is recorded already, or it was abandoned. */
export async function markFinished(
  transaction: Transaction,
  commandId: string,
  finished: { outcome: CommandOutcome; at: Date },
): Promise<boolean> {
  const marked = await transaction.command.updateMany({
    where: { id: commandId, state: { in: ['PENDING', 'SENT'] } },
    data: { state: 'FINISHED', outcome: commandOutcome.parse(finished.outcome), finishedAt: finished.at },
  });
  return marked.count === 1;
}

/** Ids of commands that were never sent and must not be any more; at most a hundred. */
export async function expiredCommandIds(reader: Reader, now: Date): Promise<string[]> {
  const rows = await reader.command.findMany({
    where: { state: 'PENDING', expiresAt: { lt: now } },
    select: { id: true },
    orderBy: { id: 'asc' },
    take: 100,
  });
  return rows.map((row) => row.id);
}

/** Abandons every command that is not finished, for a restored database: none of them is ever sent again. */
export async function abandonCommands(transaction: Transaction): Promise<number> {
  const abandoned = await transaction.command.updateMany({ where: { state: { in: ['PENDING', 'SENT'] } }, data: { state: 'ABANDONED' } });
  return abandoned.count;
}

/** The same for one host that is off for good. */
export async function abandonCommandsOf(transaction: Transaction, hostId: string): Promise<void> {
  await transaction.command.updateMany({ where: { hostId, state: { in: ['PENDING', 'SENT'] } }, data: { state: 'ABANDONED' } });
}

/** Which of these hosts have a command that waits to be sent. */
export async function hostsWithPending(reader: Reader, hostIds: readonly string[]): Promise<string[]> {
  const rows = await reader.command.findMany({
    where: { hostId: { in: [...hostIds] }, state: 'PENDING' },
    select: { hostId: true },
    distinct: ['hostId'],
  });
  return rows.map((row) => row.hostId);
}
