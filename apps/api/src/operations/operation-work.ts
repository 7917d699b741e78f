/** What a slice provides for its kind of operation: what becomes of its things at the turning points. */
import type { CommandResult, CommandVerb, LeftBehind } from '@coppice/protocol';
import type { MachineRow } from '../machines/machine.store.js';
import type { Transaction } from '../platform/database.js';
import type { OpenOperation } from './operation.store.js';
import type { OperationError } from './operation-error.js';
import type { Stage } from './program.js';

/** Where a turning point happens: inside its transaction, with host, machine and operation locked. */
export type Turn = { transaction: Transaction; operation: OpenOperation; machine: MachineRow; at: Date };

/** What follows: the next stage of the program (after the last: SUCCEEDED), a command that is in no plan, or the end. */
export type Next =
  | { kind: 'next' }
  | { kind: 'clean-up'; stage: Stage }
  | { kind: 'end'; state: 'SUCCEEDED'; error: OperationError | null }
  | { kind: 'end'; state: 'FAILED' | 'CANCELLED'; error: OperationError };

/** A stage that did not succeed. */
export type Failed = {
  /** Its place in the program. */
  index: number;
  verb: CommandVerb;
  error: OperationError;
  /** True: it is certain that no host ever had it, so nothing of it is on any disk. */
  neverSent: boolean;
  /** True: the host itself said that it failed or stopped. Where the protocol promises that such a command leaves nothing, nothing is left. */
  saidByHost: boolean;
  /** What the host says of the layers it was given. */
  left: LeftBehind;
  /** It was stopped because somebody asked: the operation ends CANCELLED. */
  isCancelled: boolean;
};

/** A command that cleaned up, or could not. */
export type CleanedUp = { result: CommandResult; error: null } | { result: null; error: OperationError };

export type OperationWork = {
  /** The mutation's name, or a word for the system's own work. */
  kind: string;
  /**
   * A command is about to go out; with the first one its things begin to move. `index`: its place in the program; null: it cleans up.
   * Called again with every command, and where one goes out again: must change nothing then.
   */
  begun(turn: Turn, index: number | null): Promise<void>;
  /** A stage succeeded: record what it did. Throws where the answer contradicts what was asked. */
  advanced(turn: Turn, done: { index: number; result: CommandResult }): Promise<Next>;
  /** A stage failed or was cancelled: record what that means, say what follows (never `next`). */
  failed(turn: Turn, failed: Failed): Promise<Next>;
  /** The clean-up that `failed` asked for has ended: record it and end. */
  cleanedUp(turn: Turn, cleaned: CleanedUp): Promise<Next>;
  /** It ends here and now, and nobody knows how far the host came (a restored database, an abandoned host): touch no file. */
  abandoned(turn: Turn, error: OperationError): Promise<void>;
  /**
   * What a cancel would leave, in a sentence, while this stage is about to begin or works; null where it cannot be stopped there any more.
   * `record`: what its slice recorded. `isSent`: a host may have its command already.
   */
  cancelEffect(record: unknown, at: { index: number; stages: number; isSent: boolean }): string | null;
};
