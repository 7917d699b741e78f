/**
 * The turning points of an operation's life, each inside the caller's transaction:
 *
 *   command PENDING ──send──▶ SENT ──outcome──▶ FINISHED ──▶ next command PENDING … ──▶ operation SUCCEEDED | FAILED, claims released
 *      └── expired, never sent ──────────────────▲
 *
 * A session that is lost changes nothing here: the same command goes out again under its own id (mechanisms.md, Dispatch).
 */
import type { CommandBody, CommandOutcome, CommandVerb } from '@coppice/protocol';
import { lockHost } from '../hosts/host.store.js';
import { lockMachine, moveMachine, restingState } from '../machines/machine.store.js';
import type { Transaction } from '../platform/database.js';
import { newId } from '../platform/ids.js';
import { bodyOf, type CommandRow, findCommand, issueCommand, lockCommand, markFinished } from './command.store.js';
import { COMMAND_EXPIRY_MS, DISCARD_EXPIRY_MS } from './limits.js';
import { endOperation, lockOpenOperation, moveSteps, setPhase } from './operation.store.js';
import type { OperationError } from './operation-error.js';
import type { Next, OperationWork, Turn, WorkStep } from './operation-work.js';

/** How steps become commands; agents/step-commands.ts. */
export type StepCommands = {
  commandForStep(step: WorkStep, plan: unknown): CommandBody;
  stepsOfVerb(verb: CommandVerb): WorkStep[];
};

/** What an outcome came to. `endedMachineUuid`: the operation is over, and this machine (libvirt's UUID) should be looked at again. */
export type Recorded = { kind: 'recorded' | 'known'; endedMachineUuid: string | null } | { kind: 'unknown' };

/** Moves operations along. It keeps nothing between calls. */
export class OperationEngine {
  readonly #works: ReadonlyMap<string, OperationWork>;
  readonly #steps: StepCommands;

  constructor(options: { works: readonly OperationWork[]; steps: StepCommands }) {
    this.#works = new Map(options.works.map((work) => [work.kind, work]));
    this.#steps = options.steps;
  }

  /** The command of the caller's locked host is about to be marked SENT: the operation's things begin to move. */
  async begin(transaction: Transaction, command: CommandRow, at: Date): Promise<void> {
    const turn = await this.#turn(transaction, command, at);
    if (!turn) return;
    await this.#workOf(turn).begun(turn);
    const kinds = this.#steps.stepsOfVerb(verbOf(command));
    await moveSteps(transaction, turn.operation.id, { kinds, from: ['QUEUED'], to: 'RUNNING', at });
  }

  /**
   * Records what a host answered. `known`: it was recorded before, which is harmless. `unknown`: no such command of this host, as after a
   * restored database; nothing is done. Locks host, machine, operation and command, in this order.
   */
  async record(
    transaction: Transaction,
    answer: { hostId: string; commandId: string; position: bigint; outcome: CommandOutcome; at: Date },
  ): Promise<Recorded> {
    await lockHost(transaction, answer.hostId);
    const command = await findCommand(transaction, answer.commandId);
    if (!command || command.hostId !== answer.hostId) return { kind: 'unknown' };
    const turn = await this.#turn(transaction, command, answer.at);
    await lockCommand(transaction, command.id);
    if (!turn) return { kind: 'known', endedMachineUuid: machineOf(command) };
    if (!(await markFinished(transaction, command.id, { outcome: answer.outcome, at: answer.at }))) {
      return { kind: 'known', endedMachineUuid: null };
    }
    if (command.state === 'PENDING') await this.#workOf(turn).begun(turn);
    // An inventory taken before this answer says nothing about the machine any more.
    await transaction.virtualMachine.updateMany({
      where: { id: turn.machine.id, inventoryPosition: { lt: answer.position } },
      data: { inventoryPosition: answer.position },
    });
    const next = await this.#after(turn, command, answer.outcome);
    await this.#follow(turn, command, next);
    return { kind: 'recorded', endedMachineUuid: next.kind === 'end' ? turn.machine.domainUuid : null };
  }

  /** A command that expired before any replica sent it: it is certain that no host has it. False where it was sent or ended meanwhile. */
  async expire(transaction: Transaction, commandId: string, at: Date): Promise<boolean> {
    const seen = await findCommand(transaction, commandId);
    if (!seen) return false;
    await lockHost(transaction, seen.hostId);
    const turn = await this.#turn(transaction, seen, at);
    const command = await lockCommand(transaction, commandId);
    if (!turn || command?.state !== 'PENDING' || command.expiresAt > at) return false;
    const failure = {
      code: 'HOST_UNAVAILABLE' as const,
      message: 'The host did not take the work in time; nothing was changed on it.',
      retryable: true,
      hint: 'Look at the state of the host, then try again.',
      detail: null,
    };
    await markFinished(transaction, commandId, { outcome: { kind: 'failed', failure }, at });
    const { detail: _, ...error } = failure;
    await moveSteps(transaction, turn.operation.id, this.#failedSteps(command, at));
    await this.#follow(
      turn,
      command,
      await this.#workOf(turn).failed(turn, { verb: verbOf(command), error, neverSent: true, saidByHost: false }),
    );
    return true;
  }

  /** Ends an open operation without its host: FAILED, claims released, no file touched. Nothing where it has ended. */
  async abandon(
    transaction: Transaction,
    abandoned: { operationId: string; machineId: string; error: OperationError; at: Date },
  ): Promise<void> {
    const turn = await this.#turnOf(transaction, abandoned);
    if (!turn) return;
    await this.#workOf(turn).abandoned(turn, abandoned.error);
    await this.#end(turn, { kind: 'end', state: 'FAILED', error: abandoned.error });
  }

  async #after(turn: Turn, command: CommandRow, outcome: CommandOutcome): Promise<Next> {
    const work = this.#workOf(turn);
    const verb = verbOf(command);
    if (outcome.kind === 'done' && outcome.result.verb === verb) {
      const kinds = this.#steps.stepsOfVerb(verb);
      await moveSteps(turn.transaction, turn.operation.id, { kinds, from: ['QUEUED', 'RUNNING'], to: 'SUCCEEDED', at: turn.at });
      return work.advanced(turn, outcome.result);
    }
    await moveSteps(turn.transaction, turn.operation.id, this.#failedSteps(command, turn.at));
    return work.failed(turn, { verb, error: errorOf(outcome, verb), neverSent: false, saidByHost: outcome.kind === 'failed' });
  }

  #failedSteps(command: CommandRow, at: Date) {
    return { kinds: this.#steps.stepsOfVerb(verbOf(command)), from: ['QUEUED', 'RUNNING'] as const, to: 'FAILED' as const, at };
  }

  async #follow(turn: Turn, command: CommandRow, next: Next): Promise<void> {
    if (next.kind === 'step') {
      await this.#issue(turn, command, next);
      return;
    }
    await this.#end(turn, next);
  }

  async #end(turn: Turn, next: Extract<Next, { kind: 'end' }>): Promise<void> {
    await endOperation(turn.transaction, turn.operation, { state: next.state, error: next.error, at: turn.at });
    await moveMachine(turn.transaction, turn.machine, {
      to: restingState(turn.machine.powerState),
      event: next.state === 'SUCCEEDED' ? 'finish' : 'fail',
      reason: next.error?.message ?? null,
      actor: turn.operation.actor,
      operationId: turn.operation.id,
    });
  }

  async #issue(turn: Turn, command: CommandRow, next: { step: WorkStep; phase: string }): Promise<void> {
    const body = this.#steps.commandForStep(next.step, turn.operation.plan);
    const lifetime = body.verb === 'discard-layers' ? DISCARD_EXPIRY_MS : COMMAND_EXPIRY_MS;
    await setPhase(turn.transaction, turn.operation.id, next.phase);
    await issueCommand(turn.transaction, {
      id: newId(),
      hostId: command.hostId,
      operationId: turn.operation.id,
      machineId: turn.machine.id,
      machineEpoch: command.machineEpoch,
      body,
      expiresAt: new Date(turn.at.getTime() + lifetime),
    });
  }

  async #turn(transaction: Transaction, command: CommandRow, at: Date): Promise<Turn | null> {
    if (!command.machineId) throw new Error(`command ${command.id} has no machine`);
    return this.#turnOf(transaction, { operationId: command.operationId, machineId: command.machineId, at });
  }

  async #turnOf(transaction: Transaction, of: { operationId: string; machineId: string; at: Date }): Promise<Turn | null> {
    const machine = await lockMachine(transaction, of.machineId);
    if (!machine) throw new Error(`machine ${of.machineId} of operation ${of.operationId} is not recorded`);
    const operation = await lockOpenOperation(transaction, of.operationId);
    return operation ? { transaction, operation, machine, at: of.at } : null;
  }

  #workOf(turn: Turn): OperationWork {
    const work = this.#works.get(turn.operation.kind);
    if (!work) throw new Error(`no work is registered for operations of kind ${turn.operation.kind} (${turn.operation.id})`);
    return work;
  }
}

/** The error that people see; where the host forgot, or answered something else than it was asked, that is what it says. */
function errorOf(outcome: CommandOutcome, verb: CommandVerb): OperationError {
  if (outcome.kind === 'failed') {
    const { code, message, retryable, hint } = outcome.failure;
    return { code, message, retryable, hint };
  }
  const what =
    outcome.kind === 'forgotten'
      ? `does not remember the command ${verb} that it was given`
      : `answered the command ${verb} with something else`;
  return {
    code: 'INTERNAL',
    message: `The host ${what}, so it is not known how far it came.`,
    retryable: false,
    hint: 'The machine is looked at again; if it then shows drift, reconcile it.',
  };
}

/** libvirt's UUID of the machine that a command is for. */
function machineOf(command: CommandRow): string {
  return bodyOf(command).machineUuid;
}

function verbOf(command: CommandRow): CommandVerb {
  switch (command.verb) {
    case 'create-layers':
    case 'freeze-layers':
    case 'discard-layers':
      return command.verb;
    default:
      throw new Error(`command ${command.id} has the unknown verb ${command.verb}`);
  }
}
