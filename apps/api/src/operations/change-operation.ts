import { refusalFor } from '../access/refusals.js';
import type { Principal } from '../access/principal.js';
import { auditRefusal, recordAudit } from '../audit/audit.store.js';
import { done, type Outcome, type Refusal, refused } from '../errors/refusal.js';
import { lockHost } from '../hosts/host.store.js';
import { lockMachine } from '../machines/machine.store.js';
import type { Transaction } from '../platform/database.js';
import { currentCommand, currentCommands } from './command.store.js';
import type { OperationChanges } from './operation-changes.contract.js';
import type { OperationEngine } from './operation-engine.js';
import { roleOfKind } from './operation-roles.js';
import { askToCancel, findOperations, lockOpenOperation, type OperationRow } from './operation.store.js';
import { readPlan } from './program.js';
import { type Retrier, retryOperation } from './retry-operation.js';
import type { StartOptions } from './start-operation.js';

type Changed = { operationId: string };

/** Makes the use cases. See the contract file for what they promise. */
export function createOperationChanges(options: StartOptions & { retriers: readonly Retrier[] }): OperationChanges {
  const { database } = options;
  return {
    async cancel(principal, operationId) {
      const found = await findAllowed(options, principal, operationId);
      const tried = { principal, action: 'cancelOperation', projectId: found.operation?.projectId ?? null, subjectId: operationId };
      if (!found.operation) return auditRefusal(database, tried, found.refused);
      const { operation } = found;
      const outcome = await options.write(async (transaction) => {
        const cancelled = await cancel(transaction, operation, { engine: options.engine, at: options.clock.now() });
        if (cancelled.ok) await recordAudit(transaction, { ...tried, operationId, outcome: 'DONE' });
        return cancelled;
      });
      options.started(null);
      return auditRefusal(database, tried, outcome);
    },

    async retry(principal, operationId) {
      const found = await findAllowed(options, principal, operationId);
      const tried = { principal, action: 'retryOperation', projectId: found.operation?.projectId ?? null, subjectId: operationId };
      if (!found.operation) return auditRefusal(database, tried, found.refused);
      return auditRefusal(database, tried, await retryOperation(options, { principal, operation: found.operation }));
    },

    async cancelEffects(principal, operationIds) {
      const operations = await findOperations(database, operationIds);
      const commands = await currentCommands(database, operationIds);
      const effects = new Map<string, string>();
      for (const operation of operations) {
        const target = { projectId: operation.projectId, what: 'The operation', path: [] };
        if (!isGoingOn(operation) || refusalFor(principal, target, roleOfKind(operation.kind)) !== null) continue;
        const effect = effectOf(options.engine, operation, commands.get(operation.id) ?? null);
        if (effect !== null) effects.set(operation.id, effect);
      }
      return effects;
    },
  };
}

/** Also while it is being cancelled: what that leaves may be another thing than what was said before. */
function isGoingOn({ state }: OperationRow): boolean {
  return state === 'RUNNING' || state === 'CANCELLING';
}

type Found = { operation: OperationRow; refused?: never } | { operation: null; refused: Outcome<Changed> };

async function findAllowed({ database }: StartOptions, principal: Principal, operationId: string): Promise<Found> {
  const [operation] = await findOperations(database, [operationId]);
  const target = { projectId: operation?.projectId ?? null, what: 'The operation', path: ['operationId'] };
  const refusal = refusalFor(principal, target, operation ? roleOfKind(operation.kind) : 'VIEWER');
  if (operation && refusal === null) return { operation };
  return {
    operation: null,
    refused: refused(refusal ?? { code: 'NOT_FOUND', message: 'There is no such operation.', path: ['operationId'] }),
  };
}

type Current = { stage: number | null; state: string } | null;

/** What a cancel would leave now; null where it cannot be cancelled. */
function effectOf(engine: OperationEngine, operation: Pick<OperationRow, 'kind' | 'plan'>, command: Current): string | null {
  if (command === null || command.stage === null) return null;
  const { record, program } = readPlan(operation.plan);
  const at = { index: command.stage, stages: program.length, isSent: command.state === 'SENT' };
  return engine.workOf(operation.kind).cancelEffect(record, at);
}

/** CANCELLING by compare-and-set; what no host has yet is withdrawn at once. Asked twice it is the same. */
async function cancel(
  transaction: Transaction,
  operation: OperationRow,
  { engine, at }: { engine: OperationEngine; at: Date },
): Promise<Outcome<Changed>> {
  if (!operation.virtualMachineId) throw new Error(`operation ${operation.id} has no machine`);
  const machine = await transaction.virtualMachine.findUniqueOrThrow({ where: { id: operation.virtualMachineId } });
  await lockHost(transaction, machine.hostId);
  await lockMachine(transaction, machine.id);
  const open = await lockOpenOperation(transaction, operation.id);
  if (open?.state === 'CANCELLING') return done({ operationId: operation.id });
  if (!open) return refused(notCancelable('It has ended.'));
  const command = await currentCommand(transaction, operation.id);
  if (effectOf(engine, operation, command) === null) return refused(notCancelable('It is past the point where it could be stopped.'));
  await askToCancel(transaction, open);
  await engine.cancel(transaction, { operationId: operation.id, at });
  return done({ operationId: operation.id });
}

function notCancelable(why: string): Refusal {
  return { code: 'NOT_CANCELABLE', message: `The operation cannot be cancelled. ${why}`, path: ['operationId'] };
}
