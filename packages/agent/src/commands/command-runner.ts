/**
 * Takes commands in by the journal and runs them: one at a time per machine, each to an outcome that is durable before it is told. Must
 * never run a command whose acceptance is not on disk, nor answer for a hypervisor that went away: then it waits and asks again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentMessage, CommandIssued, CommandOutcome, CommandResult } from '@coppice/protocol';
import { CommandCancelled, CommandProblem, failedWith, HypervisorLost } from '../failure.js';
import { dropEvidence, evidencePath } from '../guest/thaw-evidence.js';
import type { Journal } from '../journal/journal.js';
import { receiveCommand } from '../journal/receive-command.js';
import type { CommandEntry } from '../journal/state.js';
import type { ReportOutbox } from '../session/report-outbox.js';
import type { CommandContext } from './context.js';
import { SwitchedInSpite } from './freeze-layers/freeze-layers.js';
import { progressTeller } from './progress-teller.js';

/** Pause before a command is tried again after the hypervisor went away, in milliseconds. */
const LOST_PAUSE_MS = 500;
/** Node's timers end at 2^31 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What the runner needs. `tell` may lose what it is given; outcomes go through the outbox. `signal`: begin nothing any more. */
export interface RunnerParts
  extends Pick<CommandContext, 'hypervisor' | 'pools' | 'freezer' | 'stateDir' | 'settings' | 'log' | 'now' | 'crash'> {
  readonly journal: Journal;
  /** Does one command to its end: execute-command.ts, or a host that exists in memory only. */
  readonly execute: (context: CommandContext) => Promise<CommandResult>;
  readonly tell: (message: AgentMessage) => void;
  readonly outbox: Pick<ReportOutbox, 'flush' | 'repeat'>;
  readonly machineChanged: (machineUuid: string) => void;
  readonly signal: AbortSignal;
}

/** See the file's head. */
export class CommandRunner {
  private receiving: Promise<void> = Promise.resolve();
  private readonly lastOfMachine = new Map<string, Promise<void>>();
  /** By command: from its first need until its outcome is durable. */
  private readonly cancellations = new Map<string, AbortController>();

  constructor(
    private readonly parts: RunnerParts,
    /** Called when the journal cannot be written or a rule of ours is broken: the agent must end, and its next start looks again. */
    private readonly fatal: (error: unknown) => void,
  ) {}

  /** Goes on with what an earlier agent accepted and did not finish. To be called before the first `receive`. */
  resume(): void {
    for (const entry of this.parts.journal.state.unfinished()) this.enqueue(entry, entry.hasBegun);
  }

  /** Takes in a command of a session, after those that came before it. */
  receive(command: CommandIssued, sessionEpoch: number): void {
    this.receiving = this.receiving.then(() => this.takeIn(command, sessionEpoch)).catch(this.fatal);
  }

  /**
   * Stops a command, after those messages that came before: one that has not begun is not begun, one at work is asked to stop. Forgotten with
   * this process; the API asks again in its next session. A command that is not known, or has ended, ignores it.
   */
  cancel(commandId: string): void {
    const cancelled = this.receiving.then(() => {
      if (this.parts.journal.state.unfinishedCommand(commandId) !== undefined) this.cancellationOf(commandId).abort();
    });
    this.receiving = cancelled.catch(this.fatal);
  }

  private cancellationOf(commandId: string): AbortController {
    const known = this.cancellations.get(commandId);
    if (known !== undefined) return known;
    const made = new AbortController();
    this.cancellations.set(commandId, made);
    return made;
  }

  /** Does something to a machine between its commands, after those that were taken in before. */
  inTurn(machineUuid: string, work: () => Promise<void>): void {
    const before = this.lastOfMachine.get(machineUuid) ?? Promise.resolve();
    const run = before.then(() => (this.parts.signal.aborted ? undefined : work())).catch(this.fatal);
    this.lastOfMachine.set(machineUuid, run);
    void this.forgetAfter(machineUuid, run);
  }

  private async forgetAfter(machineUuid: string, run: Promise<void>): Promise<void> {
    await run;
    if (this.lastOfMachine.get(machineUuid) === run) this.lastOfMachine.delete(machineUuid);
  }

  /** Resolves when nothing is at work; after the signal nothing new begins. */
  async idle(): Promise<void> {
    await this.receiving;
    await Promise.all(this.lastOfMachine.values());
  }

  private async takeIn(command: CommandIssued, sessionEpoch: number): Promise<void> {
    const { journal, tell, outbox, log } = this.parts;
    const receipt = receiveCommand(journal.state, sessionEpoch, command);
    switch (receipt.kind) {
      case 'drop':
        log.warn({ commandId: command.id, why: receipt.why }, 'dropped a command');
        return;
      case 'answer-again':
        outbox.repeat(receipt.finished);
        return;
      case 'accept-again':
        tell({ type: 'command.accepted', commandId: command.id });
        return;
      case 'forgotten':
        await this.finish(command, { kind: 'forgotten' });
        return;
      case 'stale-epoch':
        await journal.append({ kind: 'accepted', command });
        await this.finish(command, failedWith(staleEpoch(command, receipt.highest)));
        return;
      case 'accept':
        await journal.append({ kind: 'accepted', command });
        tell({ type: 'command.accepted', commandId: command.id });
        this.enqueue({ command }, false);
    }
  }

  /** A machine's commands follow each other; those of other machines run beside them (the API bounds how many, protocol/limits.ts). */
  private enqueue({ command }: Pick<CommandEntry, 'command'>, isRepeat: boolean): void {
    this.inTurn(command.body.machineUuid, () => this.run(command, isRepeat));
  }

  private async run(command: CommandIssued, isRepeat: boolean): Promise<void> {
    const { log } = this.parts;
    if (!isRepeat && !(await this.begin(command))) return;
    log.info({ commandId: command.id, verb: command.body.verb, machineUuid: command.body.machineUuid, isRepeat }, 'command begins');
    const outcome = await this.outcomeOf(command, isRepeat);
    if (outcome === null) return;
    await this.finish(command, outcome);
  }

  /**
   * False: refused, which is its outcome, as a newer operation came or its time passed; or the agent stops, and the next start looks again.
   */
  private async begin(command: CommandIssued): Promise<boolean> {
    const { journal, hypervisor, now, signal } = this.parts;
    const highest = journal.state.machineEpoch(command.body.machineUuid);
    if (command.machineEpoch < highest) {
      await this.finish(command, failedWith(staleEpoch(command, highest)));
      return false;
    }
    const leftMs = Math.min(Date.parse(command.expiresAt) - now().getTime(), LONGEST_TIMER_MS);
    const cancelled = this.cancellationOf(command.id).signal;
    try {
      await hypervisor.whenConnected(leftMs <= 0 ? AbortSignal.abort() : AbortSignal.any([signal, cancelled, AbortSignal.timeout(leftMs)]));
    } catch {
      // Only a signal's reason comes here. A stop decides nothing; the time does, and so does who gave the command.
      if (!signal.aborted) await this.finish(command, failedWith(cancelled.aborted ? new CommandCancelled('NOTHING') : expired()));
      return false;
    }
    await journal.append({ kind: 'begun', commandId: command.id });
    return true;
  }

  /** Null: the agent stops before the outcome is known; the next start goes on. */
  private async outcomeOf(command: CommandIssued, isRepeat: boolean): Promise<CommandOutcome | null> {
    const { hypervisor, signal, log } = this.parts;
    for (let repeat = isRepeat; ; repeat = true) {
      try {
        await hypervisor.whenConnected(signal);
        return { kind: 'done', result: await this.parts.execute(this.contextOf(command, repeat)) };
      } catch (error) {
        if (signal.aborted) return null;
        if (!(error instanceof HypervisorLost) && !(error instanceof SwitchedInSpite)) {
          if (!(error instanceof CommandCancelled)) log.warn({ err: error, commandId: command.id }, 'command failed');
          return failedWith(error);
        }
        log.warn({ err: error, commandId: command.id }, 'the outcome of a command is unknown: it is looked up');
        await sleep(LOST_PAUSE_MS);
      }
    }
  }

  private contextOf(command: CommandIssued, isRepeat: boolean): CommandContext {
    const { hypervisor, pools, freezer, stateDir, settings, log, now, crash, journal, tell } = this.parts;
    const { id: commandId } = command;
    return {
      command,
      hypervisor,
      pools,
      freezer,
      stateDir,
      settings,
      log: log.child({ commandId }),
      now,
      isRepeat,
      crash,
      steps: () => journal.state.unfinishedCommand(commandId)?.steps ?? [],
      note: async (name, detail) => {
        await journal.append({ kind: 'step', commandId, name, detail });
      },
      progress: progressTeller({ commandId, tell, now }),
      cancelled: this.cancellationOf(commandId).signal,
    };
  }

  private async finish({ id: commandId, body }: CommandIssued, outcome: CommandOutcome): Promise<void> {
    const { journal, outbox, stateDir, log, machineChanged } = this.parts;
    await journal.append({ kind: 'finished', commandId, outcome });
    log.info({ commandId, outcome: outcome.kind }, 'command finished');
    this.cancellations.delete(commandId);
    outbox.flush();
    machineChanged(body.machineUuid);
    dropEvidence(evidencePath(stateDir, commandId));
  }
}

function staleEpoch({ body, machineEpoch }: CommandIssued, highest: number): CommandProblem {
  return new CommandProblem({
    code: 'MACHINE_BUSY',
    message: `A newer operation (epoch ${highest}) has machine ${body.machineUuid}; this command is of epoch ${machineEpoch}. Nothing was changed.`,
  });
}

function expired(): CommandProblem {
  return new CommandProblem({
    code: 'HOST_UNAVAILABLE',
    retryable: true,
    message: 'The command reached the host after its time had passed. Nothing was changed.',
    hint: 'Try again.',
  });
}
