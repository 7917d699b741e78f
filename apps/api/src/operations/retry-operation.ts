/**
 * Goes on with an operation that failed: claims again, raises the machine's epoch, plans again what is not one-way, keeps the steps that are
 * done. Where readers were re-pointed by a merge that did not end, the very same program goes on at the stage that failed.
 */
import type { Principal } from '../access/principal.js';
import { done, type Outcome, type Refusal, refused } from '../errors/refusal.js';
import { busy } from '../machines/check-machine.js';
import { type MachineFacts, readMachineFacts } from '../machines/machine-facts.store.js';
import type { OperationRow } from './operation.store.js';
import { readPlan } from './program.js';
import { type Again, type RetryAttempt, writeRetry } from './retry-operation.store.js';
import type { StartOptions } from './start-operation.js';
import { RolledBack } from './start-operation.store.js';

/** What a slice provides so that its kind can go on. */
export type Retrier = {
  kind: string;
  /** One that was cancelled half-way can go on too. */
  goesOnAfterCancel?: true;
  /** What is left to do, by what is true now; the same checks as a start. `record`: what was recorded when it was planned last. */
  again(record: unknown, facts: MachineFacts): Outcome<Again>;
};

/** Refusals are values with nothing changed. */
export async function retryOperation(
  options: StartOptions & { retriers: readonly Retrier[] },
  asked: { principal: Principal; operation: OperationRow },
): Promise<Outcome<{ operationId: string }>> {
  const { operation, principal } = asked;
  const retrier = options.retriers.find((candidate) => candidate.kind === operation.kind);
  const refusal = checkRetryable(operation, retrier);
  if (refusal || !retrier || !operation.virtualMachineId) return refused(refusal ?? notRetryable('It has no machine.'));
  const { record } = readPlan(operation.plan);
  const facts = await readMachineFacts(options.database, operation.virtualMachineId);
  if (!facts) return refused(notRetryable('Its machine is gone.'));
  const again = retrier.again(record, facts);
  if (!again.ok) return again;
  const attempt: RetryAttempt = { principal, operation, resources: again.value.resources, at: options.clock.now() };
  try {
    await options.write((transaction) =>
      writeRetry(transaction, attempt, { engine: options.engine, again: (now) => retrier.again(record, now) }),
    );
  } catch (error) {
    if (error instanceof RolledBack) return refused(error.refusal ?? busy(null));
    throw error;
  }
  options.started(facts.machine.hostId);
  return done({ operationId: operation.id });
}

function checkRetryable(operation: OperationRow, retrier: Retrier | undefined): Refusal | null {
  const isOpen = operation.state === 'CANCELLED' && retrier?.goesOnAfterCancel === true;
  if (operation.state !== 'FAILED' && !isOpen) return notRetryable(`It is ${operation.state}; only one that FAILED can be retried.`);
  return retrier ? null : notRetryable('It left nothing to go on with: ask for the same again.');
}

function notRetryable(why: string): Refusal {
  return { code: 'MACHINE_STATE', message: `The operation cannot be retried. ${why}`, path: ['operationId'] };
}
