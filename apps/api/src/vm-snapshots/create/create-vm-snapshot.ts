import { setTimeout as pause } from 'node:timers/promises';
import type { Principal } from '../../access/principal.js';
import { done, type Outcome, type Refusal, refused } from '../../errors/refusal.js';
import type { Write } from '../../events/write.js';
import { bodyHash, findKey } from '../../operations/idempotency.store.js';
import { CLAIM_PAUSE_MS, CLAIM_TRIES, IDEMPOTENCY_KEY_LENGTH } from '../../operations/limits.js';
import type { StepCommands } from '../../operations/operation-engine.js';
import { findOperations } from '../../operations/operation.store.js';
import type { Clock } from '../../platform/clock.js';
import { type Database, databaseFailure } from '../../platform/database.js';
import { newId } from '../../platform/ids.js';
import { readCreateFacts } from './create-facts.store.js';
import { CREATE_VM_SNAPSHOT } from './create-record.js';
import type { CreateVmSnapshot, CreateVmSnapshotRequest, PlanView } from './create-vm-snapshot.contract.js';
import { type CreateAttempt, CreateRolledBack, startCreate } from './create-vm-snapshot.store.js';
import { busy, checkAccess, type CreateDecision, decideCreate } from './decide-create.js';

/** What the use case needs; `started` is called after its commit, so that the host's session looks for the command at once. */
type CreateOptions = {
  database: Database;
  write: Write;
  clock: Clock;
  steps: StepCommands;
  started: (hostId: string | null) => void;
};

type Created = { snapshotId: string; operationId: string };
/** One look: an answer, or null where somebody was faster and it pays to look again. */
type Attempted = Outcome<Created> | null;

/** Overlays are made in milliseconds each; the rest is one round trip to the host and back. */
const SECONDS_OF_A_CREATE = 1;

/** Makes the use case. See the contract file for what its two functions promise. */
export function createCreateVmSnapshot(options: CreateOptions): CreateVmSnapshot {
  return {
    async plan(principal, request) {
      const decided = await decide(options, principal, { ...request, planHash: null });
      return decided.ok ? done(viewOf(decided.value)) : decided;
    },

    async create(principal, request) {
      const ids = { operationId: newId(), snapshotId: newId(), commandId: newId() };
      let last: Outcome<Created> = refused(busy(null));
      for (let attempt = 0; attempt < CLAIM_TRIES; attempt += 1) {
        if (attempt > 0) await pause(CLAIM_PAUSE_MS * attempt);
        // An earlier try of ours whose answer was lost may have been committed after all.
        if (attempt > 0 && (await isThere(options, ids.operationId)))
          return done({ snapshotId: ids.snapshotId, operationId: ids.operationId });
        const attempted = await tryCreate(options, { principal, request, ids });
        if (attempted && !isStale(attempted)) return attempted;
        last = attempted ?? last;
      }
      return last;
    },
  };
}

/** MACHINE_BUSY without a holder: it went, or came, while we looked. */
function isStale(outcome: Outcome<Created>): boolean {
  return !outcome.ok && outcome.refusals.some((refusal) => refusal.code === 'MACHINE_BUSY' && !refusal.operationId);
}

type Ids = { operationId: string; snapshotId: string; commandId: string };
type Asked = { principal: Principal; request: CreateVmSnapshotRequest; ids: Ids };

/** Access, then the key, then every other check; else a retry of a done request would meet its own MACHINE_BUSY or NAME_TAKEN. */
async function tryCreate(options: CreateOptions, asked: Asked): Promise<Attempted> {
  const { principal, request, ids } = asked;
  const facts = await readCreateFacts(options.database, request.virtualMachineId);
  const access = checkAccess(principal, facts);
  if (!access.ok || !facts) return access.ok ? null : access;
  const key = keyOf(asked, access.value);
  if (key && 'code' in key) return refused(key);
  const repeated = key ? await repeat(options, key) : null;
  if (repeated) return repeated;
  const decided = decideCreate(principal, request, facts);
  if (!decided.ok) return decided;
  const attempt = { ...ids, principal, request, key, decision: decided.value, at: options.clock.now() };
  return start(options, attempt, facts.machine.hostId);
}

async function start(options: CreateOptions, attempt: CreateAttempt, hostId: string): Promise<Attempted> {
  try {
    await options.write((transaction) => startCreate(transaction, attempt, options.steps));
  } catch (error) {
    if (error instanceof CreateRolledBack) return error.refusal ? refused(error.refusal) : null;
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
  return done({ snapshotId: attempt.snapshotId, operationId: attempt.operationId });
}

/** Looks so often, with this pause in milliseconds, before it gives up on a database that went away: a failover takes a few seconds. */
const LOOKS = 10;
const LOOK_PAUSE_MS = 500;

/** Whether an attempt whose answer was lost was committed. Throws where the database stays away: then nothing is answered at all. */
async function isThere(options: CreateOptions, operationId: string): Promise<boolean> {
  for (let look = 1; ; look += 1) {
    try {
      return (await findOperations(options.database, [operationId])).length === 1;
    } catch (error) {
      if (look === LOOKS || databaseFailure(error) !== 'LOST') throw error;
      await pause(LOOK_PAUSE_MS);
    }
  }
}

function keyOf({ principal, request }: Asked, projectId: string): CreateAttempt['key'] | Refusal {
  const { idempotencyKey, ...input } = request;
  if (idempotencyKey === null) return null;
  if (idempotencyKey.length < 1 || idempotencyKey.length > IDEMPOTENCY_KEY_LENGTH) {
    const message = `An idempotency key has 1 to ${IDEMPOTENCY_KEY_LENGTH} characters.`;
    return { code: 'INVALID_INPUT', message, path: ['idempotencyKey'] };
  }
  return { owner: { projectId, principal: principal.key, key: idempotencyKey }, bodyHash: bodyHash(CREATE_VM_SNAPSHOT, input) };
}

/** The answer that this key already has: the same operation for the same input, a conflict for another; null for a new key. */
async function repeat(options: CreateOptions, key: NonNullable<CreateAttempt['key']>): Promise<Outcome<Created> | null> {
  const known = await findKey(options.database, key.owner, options.clock.now());
  if (!known) return null;
  if (!known.bodyHash.equals(key.bodyHash)) {
    const message = 'This idempotency key was used for another request. Use a new key, or send that request again.';
    return refused({ code: 'IDEMPOTENCY_CONFLICT', message, path: ['idempotencyKey'] });
  }
  const [operation] = await findOperations(options.database, [known.operationId]);
  if (!operation?.subjectId)
    throw new Error(`idempotency key ${key.owner.key} names operation ${known.operationId}, which has no snapshot`);
  return done({ snapshotId: operation.subjectId, operationId: operation.id });
}

async function decide(options: CreateOptions, principal: Principal, request: CreateVmSnapshotRequest): Promise<Outcome<CreateDecision>> {
  const facts = await readCreateFacts(options.database, request.virtualMachineId);
  const access = checkAccess(principal, facts);
  if (!access.ok) return access;
  if (!facts) throw new Error(`machine ${request.virtualMachineId} was read and is gone`);
  return decideCreate(principal, request, facts);
}

function viewOf(decision: CreateDecision): PlanView {
  const { plan } = decision.plan;
  return {
    hash: decision.hash,
    steps: plan.steps.map(({ kind, volumeId, description, bytesToMove }) => ({
      kind,
      volumeId,
      description,
      bytesToMove,
      snapshotIds: [],
    })),
    bytesToMove: plan.bytesToMove,
    bytesFreed: plan.bytesFreed,
    peakExtraBytes: plan.peakExtraBytes,
    estimatedSeconds: SECONDS_OF_A_CREATE,
    stopsMachine: plan.stopsMachine,
    losesCurrentState: plan.losesCurrentState,
    warnings: plan.warnings,
  };
}
