import type { CommandFailure, CommandOutcome, FailureCode, LeftBehind } from '@coppice/protocol';

/** Bounds of the protocol's failure texts. */
const MAX_MESSAGE = 1000;
const MAX_DETAIL = 8000;

/** What a problem says of itself. `hint`: what to do next, for people. */
export interface ProblemFacts {
  readonly code: FailureCode;
  readonly message: string;
  readonly retryable?: boolean;
  readonly hint?: string;
  readonly cause?: unknown;
  /** What the command left of the layers it was given; nothing, unless it says otherwise. */
  readonly left?: LeftBehind;
}

/**
 * Why a command cannot be done. Thrown inside a command, turned into its outcome where the command ends. `message` is a sentence for
 * people: what is wrong and what was left; the cause goes to the log and to ADMIN only.
 */
export class CommandProblem extends Error {
  readonly code: FailureCode;
  readonly retryable: boolean;
  readonly hint: string | null;
  readonly left: LeftBehind;

  constructor(facts: ProblemFacts) {
    super(facts.message, { cause: facts.cause });
    this.name = 'CommandProblem';
    this.code = facts.code;
    this.retryable = facts.retryable ?? false;
    this.hint = facts.hint ?? null;
    this.left = facts.left ?? 'NOTHING';
  }
}

/** The command ended because it was asked to; thrown inside a command that can be stopped. `left`: of the layers it was given. */
export class CommandCancelled extends Error {
  constructor(readonly left: LeftBehind) {
    super(`stopped as it was asked to; left: ${left}`);
    this.name = 'CommandCancelled';
  }
}

/** The hypervisor went away in the middle of a call: whether it was carried out is not known, and has to be looked up. */
export class HypervisorLost extends Error {
  constructor(message: string, options?: { cause: unknown }) {
    super(message, options);
    this.name = 'HypervisorLost';
  }
}

/** The outcome of a command that ended with this error. */
export function failedWith(error: unknown): CommandOutcome {
  if (error instanceof CommandCancelled) return { kind: 'cancelled', left: error.left };
  return { kind: 'failed', failure: failureOf(error), left: error instanceof CommandProblem ? error.left : 'NOTHING' };
}

/** The failure of the protocol for any error. Errors that nobody foresaw are INTERNAL, with the stack as detail. */
function failureOf(error: unknown): CommandFailure {
  if (error instanceof CommandProblem) {
    const { code, retryable, hint } = error;
    const detail = error.cause === undefined ? null : textOf(error.cause).slice(0, MAX_DETAIL);
    return {
      code,
      message: error.message.slice(0, MAX_MESSAGE),
      retryable,
      hint: hint === null ? null : hint.slice(0, MAX_MESSAGE),
      detail,
    };
  }
  return {
    code: 'INTERNAL',
    message: 'The agent met an error that it does not know. The machine was left as it is; the inventory that follows shows it.',
    retryable: false,
    hint: "The operation's detail and the agent's log name the error.",
    detail: textOf(error).slice(0, MAX_DETAIL),
  };
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by: ${textOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

/** Whether a system call failed with this code, e.g. 'ENOENT'. */
export function hasErrorCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
