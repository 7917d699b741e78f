import { SYSTEM_ACTOR } from '../events/actor-record.js';
import { abandonCommands } from '../operations/command.store.js';
import type { OperationEngine } from '../operations/operation-engine.js';
import { openOperations } from '../operations/operation.store.js';
import type { OperationError } from '../operations/operation-error.js';
import type { Transaction } from '../platform/database.js';
import { newId } from '../platform/ids.js';
import { INCARNATION_KNOWN } from './admission.store.js';

const ERROR: OperationError = {
  code: 'INTERNAL',
  message: 'The database was restored from an older copy while this operation ran, so it is not known how far it came.',
  retryable: true,
  hint: 'Reconcile the machine first, then try again.',
};

/** Added to every machine's epoch: hosts keep the highest they saw, and those of the lost time are higher than ours. No machine has that many operations in a day. */
const EPOCH_JUMP = 1_000_000n;

const FINDING = {
  code: 'DATABASE_RESTORED',
  message: 'The database was restored from an older copy; the machine is looked at before anything is done with it.',
  volumeId: null,
  path: null,
  repairable: true,
};

/**
 * This database is older than what a host remembers: it begins a new incarnation (mechanisms.md, A restored database). Nothing is sent
 * again and nothing is discarded; open operations fail; every machine is drifted until its inventory matches; old cursors expire.
 * Nothing where another replica was first.
 */
export async function startIncarnation(
  transaction: Transaction,
  restored: { incarnation: string; engine: OperationEngine; at: Date },
): Promise<boolean> {
  await transaction.$queryRaw`SELECT id FROM host ORDER BY id FOR NO KEY UPDATE`;
  const [stream] = await transaction.$queryRaw<{ incarnation: string }[]>`
    SELECT incarnation::text FROM event_stream WHERE id = 1 FOR UPDATE`;
  if (stream?.incarnation !== restored.incarnation) return false;
  await transaction.$executeRaw`UPDATE event_stream SET incarnation = gen_random_uuid() WHERE id = 1`;
  await transaction.auditEvent.create({
    data: {
      id: newId(),
      at: restored.at,
      actor: SYSTEM_ACTOR,
      action: INCARNATION_KNOWN,
      subjectId: restored.incarnation,
      outcome: 'ENDED',
      detail: 'A host knew of commands that this database does not: it was restored from an older copy.',
    },
  });
  await abandonCommands(transaction);
  for (const operation of await openOperations(transaction)) {
    const { id: operationId, virtualMachineId: machineId } = operation;
    await restored.engine.abandon(transaction, { operationId, machineId, error: ERROR, at: restored.at });
  }
  await driftAllMachines(transaction, restored.at);
  return true;
}

/** All machines in one statement, each with its transition, in order of id. */
async function driftAllMachines(transaction: Transaction, at: Date): Promise<void> {
  const drift = JSON.stringify({ detectedAt: at.toISOString(), findings: [FINDING] });
  await transaction.$executeRaw`
    WITH moved AS (
      UPDATE virtual_machine SET drift = ${drift}::jsonb, inventory_position = 0, epoch = epoch + ${EPOCH_JUMP} WHERE state <> 'DESTROYED'
      RETURNING id, project_id, state)
    INSERT INTO transition (project_id, virtual_machine_id, subject_type, subject_id, from_state, to_state, event, reason, actor)
    SELECT project_id, id, 'VIRTUAL_MACHINE', id, state::text, state::text, 'drift', ${FINDING.message}, ${JSON.stringify(SYSTEM_ACTOR)}::jsonb
    FROM moved ORDER BY id`;
}
