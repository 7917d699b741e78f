import type { Principal } from '../access/principal.js';
import type { Outcome, Refusal } from '../errors/refusal.js';
import { lockHost } from '../hosts/host.store.js';
import { type AlsoRead, type MachineFacts, readMachineFacts } from '../machines/machine-facts.store.js';
import { lockMachine, moveMachine } from '../machines/machine.store.js';
import type { Transaction } from '../platform/database.js';
import type { VirtualMachineState } from '../platform/generated/client.js';
import { newId } from '../platform/ids.js';
import { claim, noteEpoch } from './claim.store.js';
import { type KeyOwner, takeKey } from './idempotency.store.js';
import type { OperationEngine } from './operation-engine.js';
import { insertOperation, type NewOperation, type OperationPlan, planOperation } from './operation.store.js';
import type { Request } from './start-operation.js';

/** Everything that is known before the transaction begins; the ids, so that after a lost connection it can be looked up or done again. */
export type Attempt<R, D> = {
  operationId: string;
  subjectId: string;
  principal: Principal;
  request: R;
  key: { owner: KeyOwner; bodyHash: Buffer } | null;
  projectId: string;
  /** What the facts said before the transaction: what to claim. */
  decision: D;
  at: Date;
};

/** Under the claims and locks, with the facts and the decision of now. */
export type Starting<R, D> = Attempt<R, D> & { transaction: Transaction; facts: MachineFacts };

/** What a slice provides to start its kind of operation. */
export type Starter<R extends Request, D> = {
  /** The mutation's name. */
  kind: string;
  subjectType: 'VIRTUAL_MACHINE' | 'VM_SNAPSHOT' | 'VOLUME' | 'VOLUME_SNAPSHOT' | 'TEMPLATE';
  /** What the machine shows meanwhile; null: what it shows now. */
  machineState: VirtualMachineState | null;
  /** What else the facts must hold; left out: nothing. */
  alsoRead?(request: R): AlsoRead;
  /** The machine's project, where the caller may do this; null facts are NOT_FOUND. */
  access(principal: Principal, facts: MachineFacts | null): Outcome<string>;
  /** Every other check, and the plan. Pure: it is asked before and inside the transaction, where `facts.holder` is null. */
  decide(principal: Principal, request: R, facts: MachineFacts): Outcome<D>;
  /** Names of everything whose files it reads or changes. */
  resources(decision: D, machineId: string): string[];
  /** What the audit calls the subject. */
  subjectName(decision: D, facts: MachineFacts): string;
  /** Writes the slice's own rows and first transitions, and answers the operation's plan. */
  write(starting: Starting<R, D>): Promise<OperationPlan>;
};

/** Thrown to roll the transaction back: with a refusal, or because somebody else was there first and the caller must look again. */
export class RolledBack extends Error {
  override readonly name = 'RolledBack';
  constructor(readonly refusal: Refusal | null) {
    super(refusal?.message ?? 'claimed by another operation meanwhile');
  }
}

type Written<R extends Request, D> = { starter: Starter<R, D>; attempt: Attempt<R, D>; engine: OperationEngine };

/** Claims, checks again under the locks, and writes it all: operation, steps, the slice's rows, transitions, first command. */
export async function writeStart<R extends Request, D>(transaction: Transaction, written: Written<R, D>): Promise<void> {
  const { starter, attempt, engine } = written;
  const { principal, request, operationId, projectId, at } = attempt;
  const operation: NewOperation = {
    id: operationId,
    kind: starter.kind,
    projectId,
    virtualMachineId: request.virtualMachineId,
    subjectType: starter.subjectType,
    subjectId: attempt.subjectId,
    actor: principal.actor,
    at,
  };
  await insertOperation(transaction, operation);
  const facts = await takeMachine(transaction, written);
  const decided = starter.decide(principal, request, { ...facts, holder: null });
  if (!decided.ok) throw new RolledBack(decided.refusals[0]);
  const claimed = new Set(starter.resources(attempt.decision, ''));
  // What was decided before the claims may have changed; what is done must be covered by what was claimed.
  if (!starter.resources(decided.value, '').every((resource) => claimed.has(resource))) throw new RolledBack(null);
  if (attempt.key && !(await takeKey(transaction, attempt.key.owner, { operationId, bodyHash: attempt.key.bodyHash, now: at }))) {
    throw new RolledBack(null);
  }
  if (starter.machineState) {
    const move = { to: starter.machineState, event: starter.kind, reason: null, actor: principal.actor, operationId };
    await moveMachine(transaction, facts.machine, move);
  }
  const plan = await starter.write({ ...attempt, decision: decided.value, transaction, facts });
  await planOperation(transaction, operation, plan);
  await engine.start(transaction, { operationId, machineId: facts.machine.id, from: 0, at });
  await transaction.auditEvent.create({
    data: {
      id: newId(),
      at,
      projectId,
      actor: principal.actor,
      action: starter.kind,
      subjectId: attempt.subjectId,
      subjectName: starter.subjectName(decided.value, facts),
      operationId,
      outcome: 'STARTED',
    },
  });
}

/** Claims everything; then locks project, host and machine in this order, raises the epoch, and reads what is true now. */
async function takeMachine<R extends Request, D>(transaction: Transaction, { starter, attempt }: Written<R, D>): Promise<MachineFacts> {
  const machineId = attempt.request.virtualMachineId;
  const { operationId, decision, projectId } = attempt;
  const resources = starter.resources(decision, machineId);
  if (!(await claim(transaction, { resources, operationId }))) throw new RolledBack(null);
  const seen = await transaction.virtualMachine.findUniqueOrThrow({ where: { id: machineId } });
  await transaction.$queryRaw`SELECT id FROM project WHERE id = ${projectId}::uuid FOR NO KEY UPDATE`;
  await lockHost(transaction, seen.hostId);
  await lockMachine(transaction, machineId);
  const { epoch } = await transaction.virtualMachine.update({ where: { id: machineId }, data: { epoch: { increment: 1 } } });
  await noteEpoch(transaction, operationId, epoch);
  const facts = await readMachineFacts(transaction, machineId, starter.alsoRead?.(attempt.request));
  const access = starter.access(attempt.principal, facts);
  if (!facts || facts.machine.hostId !== seen.hostId || !access.ok || access.value !== projectId) throw new RolledBack(null);
  return facts;
}
