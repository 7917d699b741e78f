/**
 * The net under synchronisation (domain.md, Operations: VMSnapshotSync). A command that was sent and not answered is sent again with each
 * session; an operation and its next command are written in one transaction. So nothing is ever in a transient state without a command that
 * will end it, unless a record was damaged or repaired by hand: then it is settled here, visibly, and no file is touched.
 */
import type { Write } from '../../events/write.js';
import type { OperationEngine } from '../../operations/operation-engine.js';
import type { OperationError } from '../../operations/operation-error.js';
import type { Clock } from '../../platform/clock.js';
import type { Database } from '../../platform/database.js';
import type { Log } from '../../platform/log.js';
import { settleMachine, stuckMachines } from './settle.store.js';

const ERROR: OperationError = {
  code: 'INTERNAL',
  message: 'Nothing was left that would have ended this work, so it was ended here; no file was touched.',
  retryable: true,
  hint: 'Look at the machine: if it shows drift, reconcile it, then try again.',
};

/** One look at all machines; answers how many were settled. */
export async function settleMachines(options: {
  database: Database;
  write: Write;
  engine: OperationEngine;
  clock: Clock;
  log: Log;
}): Promise<number> {
  const { database, write, engine, clock, log } = options;
  const machineIds = await stuckMachines(database);
  for (const machineId of machineIds) {
    log.error({ machineId }, 'a machine was in the middle of something that nothing would have ended; it is settled');
    await write((transaction) => settleMachine(transaction, { machineId, engine, error: ERROR, at: clock.now() }));
  }
  return machineIds.length;
}
