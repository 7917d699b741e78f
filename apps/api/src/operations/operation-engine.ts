/**
 * The turning points of an operation's life, each inside the caller's transaction:
 *
 *   command PENDING ──send──▶ SENT ──outcome──▶ FINISHED ──▶ next command PENDING … ──▶ operation SUCCEEDED | FAILED, claims released
 *      └── expired or cancelled, never sent ─────▲                                            └─▶ CANCELLED, where somebody asked
 *
 * A session that is lost changes nothing here: the same command goes out again under its own id (mechanisms.md, Dispatch).
 */
import type { CommandOutcome, CommandVerb } from '@coppice/protocol';
import { lockHost } from '../hosts/host.store.js';
import { lockMachine, moveMachine, restingState } from '../machines/machine.store.js';
import { assertNever } from '../platform/assert-never.js';
import type { Transaction } from '../platform/database.js';
import { newId } from '../platform/ids.js';
import { bodyOf, type CommandRow, currentCommand, findCommand, issueCommand, lockCommand, markFinished } from './command.store.js';
import { lifetimeMs } from './limits.js';
import { endOperation, lockOpenOperation, moveSteps, setPhase } from './operation.store.js';
import type { OperationError } from './operation-error.js';
import type { Failed, Next, OperationWork, Turn } from './operation-work.js';
import type { Stage } from './program.js';

/** What an outcome came to. `endedMachineUuid`: the operation is over, and this machine (libvirt's UUID) should be looked at again. */
export type Recorded = { kind: 'recorded' | 'known'; endedMachineUuid: string | null } | { kind: 'unknown' };

/** Moves operations along. It keeps nothing between calls. */
export class OperationEngine {
  readonly #works: ReadonlyMap<string, OperationWork>;

  constructor(works: readonly OperationWork[]) {
    this.#works = new Map(works.map((work) => [work.kind, work]));
  }

  /** What this kind of operation does at its turning points. */
  workOf(kind: string): OperationWork {
    const work = this.#works.get(kind);
    if (!work) throw new Error(`no work is registered for operations of kind ${kind}`);
    return work;
  }

  /** Issues the first command of an operation that was just planned, or planned again. Its machine is locked and its epoch raised. */
  async start(transaction: Transaction, started: { operationId: string; machineId: string; from: number; at: Date }): Promise<void> {
    const turn = await this.#turnOf(transaction, started);
    if (!turn) throw new Error(`operation ${started.operationId} is not open when it starts`);
    await this.#goOn(turn, started.from);
  }

  /** The command of the caller's locked host is about to be marked SENT: the operation's things begin to move. */
  async begin(transaction: Transaction, command: CommandRow, at: Date): Promise<void> {
    const turn = await this.#turn(transaction, command, at);
    if (!turn) return;
    await this.workOf(turn.operation.kind).begun(turn, command.stage);
    await moveSteps(transaction, turn.operation.id, { positions: command.steps, from: ['QUEUED'], to: 'RUNNING', at });
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
    if (!turn) return { kind: 'known', endedMachineUuid: bodyOf(command).machineUuid };
    if (!(await markFinished(transaction, command.id, { outcome: answer.outcome, at: answer.at }))) {
      return { kind: 'known', endedMachineUuid: null };
    }
    if (command.state === 'PENDING') await this.workOf(turn.operation.kind).begun(turn, command.stage);
    // An inventory taken before this answer says nothing about the machine any more.
    await transaction.virtualMachine.updateMany({
      where: { id: turn.machine.id, inventoryPosition: { lt: answer.position } },
      data: { inventoryPosition: answer.position },
    });
    const hasEnded = await this.#after(turn, command, { outcome: answer.outcome, neverSent: false });
    return { kind: 'recorded', endedMachineUuid: hasEnded ? turn.machine.domainUuid : null };
  }

  /** A command that expired before any replica sent it: it is certain that no host has it. False where it was sent or ended meanwhile. */
  async expire(transaction: Transaction, commandId: string, at: Date): Promise<boolean> {
    const failure = {
      code: 'HOST_UNAVAILABLE' as const,
      message: 'The host did not take the work in time; nothing was changed on it.',
      retryable: true,
      hint: 'Look at the state of the host, then try again.',
      detail: null,
    };
    const outcome: CommandOutcome = { kind: 'failed', failure, left: 'NOTHING' };
    return this.#withdraw(transaction, commandId, { outcome, at, isDue: (command) => command.expiresAt <= at });
  }

  /**
   * Somebody asked to stop an operation that is CANCELLING now. A command that no host has yet is withdrawn and the operation ends here;
   * one that was sent is told to its host by whoever holds it, and the answer decides.
   */
  async cancel(transaction: Transaction, cancelled: { operationId: string; at: Date }): Promise<void> {
    const command = await currentCommand(transaction, cancelled.operationId);
    if (command?.stage === null || command === null) return;
    const outcome: CommandOutcome = { kind: 'cancelled', left: 'NOTHING' };
    await this.#withdraw(transaction, command.id, { outcome, at: cancelled.at, isDue: () => true });
  }

  /** Ends an open operation without its host: FAILED, claims released, no file touched. Nothing where it has ended. */
  async abandon(
    transaction: Transaction,
    abandoned: { operationId: string; machineId: string; error: OperationError; at: Date },
  ): Promise<void> {
    const turn = await this.#turnOf(transaction, abandoned);
    if (!turn) return;
    await this.workOf(turn.operation.kind).abandoned(turn, abandoned.error);
    await this.#end(turn, { kind: 'end', state: 'FAILED', error: abandoned.error });
  }

  async #withdraw(
    transaction: Transaction,
    commandId: string,
    withdrawn: { outcome: CommandOutcome; at: Date; isDue: (command: CommandRow) => boolean },
  ): Promise<boolean> {
    const { outcome, at, isDue } = withdrawn;
    const seen = await findCommand(transaction, commandId);
    if (!seen) return false;
    await lockHost(transaction, seen.hostId);
    const turn = await this.#turn(transaction, seen, at);
    const command = await lockCommand(transaction, commandId);
    if (!turn || command?.state !== 'PENDING' || !isDue(command)) return false;
    await markFinished(transaction, commandId, { outcome, at });
    await this.#after(turn, command, { outcome, neverSent: true });
    return true;
  }

  /** True: the operation has ended. */
  async #after(turn: Turn, command: CommandRow, said: { outcome: CommandOutcome; neverSent: boolean }): Promise<boolean> {
    const { outcome } = said;
    const verb = bodyOf(command).verb;
    const isDone = outcome.kind === 'done' && outcome.result.verb === verb;
    const to = isDone ? 'SUCCEEDED' : outcome.kind === 'cancelled' ? 'CANCELLED' : 'FAILED';
    await moveSteps(turn.transaction, turn.operation.id, { positions: command.steps, from: ['QUEUED', 'RUNNING'], to, at: turn.at });
    const work = this.workOf(turn.operation.kind);
    const error = errorOf(outcome, verb);
    const index = command.stage;
    if (index === null) {
      return this.#follow(turn, await work.cleanedUp(turn, isDone ? { result: outcome.result, error: null } : { result: null, error }), 0);
    }
    if (isDone) return this.#follow(turn, await work.advanced(turn, { index, result: outcome.result }), index);
    const failed: Failed = {
      index,
      verb,
      error,
      neverSent: said.neverSent,
      saidByHost: !said.neverSent && (outcome.kind === 'failed' || outcome.kind === 'cancelled'),
      left: outcome.kind === 'failed' || outcome.kind === 'cancelled' ? outcome.left : 'NOTHING',
      isCancelled: outcome.kind === 'cancelled',
    };
    return this.#follow(turn, await work.failed(turn, failed), index);
  }

  async #follow(turn: Turn, next: Next, index: number): Promise<boolean> {
    switch (next.kind) {
      case 'next':
        return this.#goOn(turn, index + 1);
      case 'clean-up':
        await this.#issue(turn, next.stage, null);
        return false;
      case 'end':
        await this.#end(turn, next);
        return true;
      default:
        return assertNever(next);
    }
  }

  /** The stage of this place in the program, or the end after the last. Between two stages is where a cancel that came late is heard. */
  async #goOn(turn: Turn, index: number): Promise<boolean> {
    const { program, record, state, kind } = turn.operation;
    const stage = program[index];
    if (!stage) {
      await this.#end(turn, { kind: 'end', state: 'SUCCEEDED', error: null });
      return true;
    }
    const work = this.workOf(kind);
    if (state === 'CANCELLING' && work.cancelEffect(record, { index, stages: program.length, isSent: false }) !== null) {
      const error = errorOf({ kind: 'cancelled', left: 'NOTHING' }, stage.body.verb);
      const failed: Failed = {
        index,
        verb: stage.body.verb,
        error,
        neverSent: true,
        saidByHost: false,
        left: 'NOTHING',
        isCancelled: true,
      };
      return this.#follow(turn, await work.failed(turn, failed), index);
    }
    await this.#issue(turn, stage, index);
    return false;
  }

  async #end(turn: Turn, next: Extract<Next, { kind: 'end' }>): Promise<void> {
    await endOperation(turn.transaction, turn.operation, { state: next.state, error: next.error, at: turn.at });
    // Its work may have moved the machine meanwhile.
    const machine = await lockMachine(turn.transaction, turn.machine.id);
    if (!machine || machine.state === 'DESTROYED') return;
    await moveMachine(turn.transaction, machine, {
      to: restingState(machine.powerState),
      event: next.state === 'SUCCEEDED' ? 'finish' : next.state === 'CANCELLED' ? 'cancel' : 'fail',
      reason: next.error?.message ?? null,
      actor: turn.operation.actor,
      operationId: turn.operation.id,
    });
  }

  async #issue(turn: Turn, stage: Stage, index: number | null): Promise<void> {
    const machine = await turn.transaction.virtualMachine.findUniqueOrThrow({ where: { id: turn.machine.id } });
    await setPhase(turn.transaction, turn.operation.id, stage.phase);
    await issueCommand(turn.transaction, {
      id: newId(),
      hostId: machine.hostId,
      operationId: turn.operation.id,
      machineId: machine.id,
      machineEpoch: machine.epoch,
      stage: index,
      steps: stage.steps,
      body: stage.body,
      expiresAt: new Date(turn.at.getTime() + lifetimeMs(stage.body.verb)),
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
}

/** The error that people see; where the host forgot, or answered something else than it was asked, that is what it says. */
function errorOf(outcome: CommandOutcome, verb: CommandVerb): OperationError {
  if (outcome.kind === 'failed') {
    const { code, message, retryable, hint } = outcome.failure;
    return { code, message, retryable, hint };
  }
  if (outcome.kind === 'cancelled') {
    const message = 'It was stopped because that was asked for.';
    return { code: 'INTERNAL', message, retryable: false, hint: null };
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
