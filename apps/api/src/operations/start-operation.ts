/**
 * Starts an operation of any kind: access, then the idempotency key, then the slice's own checks and plan; then one transaction that claims
 * all it touches, decides again under the locks, and writes operation, steps, first transitions and first command.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Principal } from '../access/principal.js';
import { done, type Outcome, type Refusal, refused } from '../errors/refusal.js';
import type { Write } from '../events/write.js';
import { busy } from '../machines/check-machine.js';
import { type MachineFacts, readMachineFacts } from '../machines/machine-facts.store.js';
import type { Clock } from '../platform/clock.js';
import { type Database, databaseFailure } from '../platform/database.js';
import { newId } from '../platform/ids.js';
import { bodyHash, findKey, type KeyOwner } from './idempotency.store.js';
import { CLAIM_PAUSE_MS, CLAIM_TRIES, IDEMPOTENCY_KEY_LENGTH } from './limits.js';
import type { OperationEngine } from './operation-engine.js';
import { findOperations } from './operation.store.js';
import { type Attempt, RolledBack, type Starter, writeStart } from './start-operation.store.js';

/** What starting needs; `started` is called after the commit, so that the host's session looks for the command at once. */
export type StartOptions = {
  database: Database;
  write: Write;
  clock: Clock;
  engine: OperationEngine;
  started: (hostId: string | null) => void;
};

/** Every request that starts work on one machine. */
export type Request = { virtualMachineId: string; planHash: string | null; idempotencyKey: string | null };

/** What was started; the subject's id was made before the transaction. */
export type Started = { operationId: string; subjectId: string };
/** One look: an answer, or null where somebody was faster and it pays to look again. */
type Attempted = Outcome<Started> | null;
type Ids = { operationId: string; subjectId: string };
type Asked<R extends Request> = { principal: Principal; request: R; ids: Ids };

/** Decides without writing anything: what a plan query answers. */
export async function decideOnly<R extends Request, D>(
  database: Database,
  starter: Starter<R, D>,
  asked: { principal: Principal; request: R },
): Promise<Outcome<{ decision: D; facts: MachineFacts }>> {
  const facts = await readMachineFacts(database, asked.request.virtualMachineId, starter.alsoRead?.(asked.request));
  const access = starter.access(asked.principal, facts);
  if (!access.ok) return access;
  if (!facts) throw new Error(`machine ${asked.request.virtualMachineId} was read and is gone`);
  const decided = starter.decide(asked.principal, asked.request, facts);
  return decided.ok ? done({ decision: decided.value, facts }) : decided;
}

/** Starts it. Refusals are values with nothing changed; the same key and body give the same answer again. */
export async function startOperation<R extends Request, D>(
  options: StartOptions,
  starter: Starter<R, D>,
  asked: { principal: Principal; request: R; subjectId?: string },
): Promise<Outcome<Started>> {
  const ids = { operationId: newId(), subjectId: asked.subjectId ?? newId() };
  let last: Outcome<Started> = refused(busy(null));
  for (let attempt = 0; attempt < CLAIM_TRIES; attempt += 1) {
    if (attempt > 0) await pause(CLAIM_PAUSE_MS * attempt);
    // An earlier try of ours whose answer was lost may have been committed after all.
    if (attempt > 0 && (await isThere(options, ids.operationId))) return done(ids);
    const attempted = await tryStart(options, starter, { ...asked, ids });
    if (attempted && !isStale(attempted)) return attempted;
    last = attempted ?? last;
  }
  return last;
}

/** MACHINE_BUSY without a holder: it went, or came, while we looked. */
function isStale(outcome: Outcome<Started>): boolean {
  return !outcome.ok && outcome.refusals.some((refusal) => refusal.code === 'MACHINE_BUSY' && !refusal.operationId);
}

/** Access, then the key, then every other check; else a retry of a done request would meet its own MACHINE_BUSY or NAME_TAKEN. */
async function tryStart<R extends Request, D>(options: StartOptions, starter: Starter<R, D>, asked: Asked<R>): Promise<Attempted> {
  const { principal, request, ids } = asked;
  const facts = await readMachineFacts(options.database, request.virtualMachineId, starter.alsoRead?.(request));
  const access = starter.access(principal, facts);
  if (!access.ok || !facts) return access.ok ? null : access;
  const key = keyOf(starter.kind, asked, access.value);
  if (key && 'code' in key) return refused(key);
  const repeated = key ? await repeat(options, key) : null;
  if (repeated) return repeated;
  const decided = starter.decide(principal, request, facts);
  if (!decided.ok) return decided;
  const attempt = { ...ids, principal, request, key, projectId: access.value, decision: decided.value, at: options.clock.now() };
  return start(options, starter, { attempt, hostId: facts.machine.hostId });
}

async function start<R extends Request, D>(
  options: StartOptions,
  starter: Starter<R, D>,
  { attempt, hostId }: { attempt: Attempt<R, D>; hostId: string },
): Promise<Attempted> {
  try {
    await options.write((transaction) => writeStart(transaction, { starter, attempt, engine: options.engine }));
  } catch (error) {
    if (error instanceof RolledBack) return error.refusal ? refused(error.refusal) : null;
    switch (databaseFailure(error)) {
      // A name, a key or our own id of an attempt whose answer was lost: look again.
      case 'DUPLICATE':
      case 'LOST':
        if (!(await isThere(options, attempt.operationId))) return null;
        break;
      default:
        throw error;
    }
  }
  options.started(hostId);
  return done({ operationId: attempt.operationId, subjectId: attempt.subjectId });
}

/** Looks so often, with this pause in milliseconds, before it gives up on a database that went away: a failover takes a few seconds. */
const LOOKS = 10;
const LOOK_PAUSE_MS = 500;

/** Whether an attempt whose answer was lost was committed. Throws where the database stays away: then nothing is answered at all. */
async function isThere(options: StartOptions, operationId: string): Promise<boolean> {
  for (let look = 1; ; look += 1) {
    try {
      return (await findOperations(options.database, [operationId])).length === 1;
    } catch (error) {
      if (look === LOOKS || databaseFailure(error) !== 'LOST') throw error;
      await pause(LOOK_PAUSE_MS);
    }
  }
}

type Key = { owner: KeyOwner; bodyHash: Buffer };

function keyOf(mutation: string, { principal, request }: Asked<Request>, projectId: string): Key | Refusal | null {
  const { idempotencyKey, ...input } = request;
  if (idempotencyKey === null) return null;
  if (idempotencyKey.length < 1 || idempotencyKey.length > IDEMPOTENCY_KEY_LENGTH) {
    const message = `An idempotency key has 1 to ${IDEMPOTENCY_KEY_LENGTH} characters.`;
    return { code: 'INVALID_INPUT', message, path: ['idempotencyKey'] };
  }
  return { owner: { projectId, principal: principal.key, key: idempotencyKey }, bodyHash: bodyHash(mutation, input) };
}

/** The answer that this key already has: the same operation for the same input, a conflict for another; null for a new key. */
async function repeat(options: StartOptions, key: Key): Promise<Outcome<Started> | null> {
  const known = await findKey(options.database, key.owner, options.clock.now());
  if (!known) return null;
  if (!known.bodyHash.equals(key.bodyHash)) {
    const message = 'This idempotency key was used for another request. Use a new key, or send that request again.';
    return refused({ code: 'IDEMPOTENCY_CONFLICT', message, path: ['idempotencyKey'] });
  }
  const [operation] = await findOperations(options.database, [known.operationId]);
  if (!operation?.subjectId) throw new Error(`idempotency key ${key.owner.key} names operation ${known.operationId}, which has no subject`);
  return done({ operationId: operation.id, subjectId: operation.subjectId });
}
