import type { Principal } from '../access/principal.js';
import type { Outcome } from '../errors/refusal.js';
import { recordAudit } from '../audit/audit.store.js';
import { lockHost } from '../hosts/host.store.js';
import { type MachineFacts, readMachineFacts } from '../machines/machine-facts.store.js';
import { lockMachine } from '../machines/machine.store.js';
import type { Transaction } from '../platform/database.js';
import type { Operation } from '../platform/generated/client.js';
import { claim, noteEpoch } from './claim.store.js';
import { failedStage } from './command.store.js';
import type { OperationEngine } from './operation-engine.js';
import { type OperationPlan, reopenOperation } from './operation.store.js';
import { RolledBack } from './start-operation.store.js';

/** Where going on is written: under claims and locks, with the facts of now. */
export type Retrying = {
  transaction: Transaction;
  facts: MachineFacts;
  operationId: string;
  principal: Principal;
  at: Date;
};

/** What is left to do. `sameProgram`: not planned anew, the recorded program goes on at the stage that failed. */
export type Again = {
  /** Everything whose files it reads or changes. */
  resources: string[];
  write: (retrying: Retrying) => Promise<OperationPlan | 'SAME_PROGRAM'>;
};

export type RetryAttempt = { principal: Principal; operation: Operation; resources: string[]; at: Date };

/** Claims, decides again under the locks, and opens the operation again with its next command. Rolls back by RolledBack. */
export async function writeRetry(
  transaction: Transaction,
  attempt: RetryAttempt,
  how: { engine: OperationEngine; again: (facts: MachineFacts) => Outcome<Again> },
): Promise<void> {
  const { operation, principal, at } = attempt;
  const operationId = operation.id;
  const facts = await takeMachine(transaction, attempt);
  const decided = how.again({ ...facts, holder: null });
  if (!decided.ok) throw new RolledBack(decided.refusals[0]);
  const claimed = new Set(attempt.resources);
  if (!decided.value.resources.every((resource) => claimed.has(resource))) throw new RolledBack(null);
  const plan = await decided.value.write({ transaction, facts, operationId, principal, at });
  const from = plan === 'SAME_PROGRAM' ? await failedStage(transaction, operationId) : 0;
  await reopenOperation(transaction, { operationId, actor: principal.actor, plan: plan === 'SAME_PROGRAM' ? null : plan, at });
  await how.engine.start(transaction, { operationId, machineId: facts.machine.id, from, at });
  const { projectId } = operation;
  await recordAudit(transaction, {
    principal,
    action: 'retryOperation',
    projectId,
    subjectId: operationId,
    operationId,
    outcome: 'STARTED',
  });
}

/** Claims everything for the same operation; then host and machine in this order, the epoch, and what is true now. */
async function takeMachine(transaction: Transaction, { operation, resources }: RetryAttempt): Promise<MachineFacts> {
  const machineId = operation.virtualMachineId;
  if (!machineId) throw new Error(`operation ${operation.id} has no machine`);
  if (!(await claim(transaction, { resources, operationId: operation.id }))) throw new RolledBack(null);
  const seen = await transaction.virtualMachine.findUniqueOrThrow({ where: { id: machineId } });
  await lockHost(transaction, seen.hostId);
  await lockMachine(transaction, machineId);
  const { epoch } = await transaction.virtualMachine.update({ where: { id: machineId }, data: { epoch: { increment: 1 } } });
  await noteEpoch(transaction, operation.id, epoch);
  const facts = await readMachineFacts(transaction, machineId);
  if (!facts || facts.machine.hostId !== seen.hostId) throw new RolledBack(null);
  return facts;
}
