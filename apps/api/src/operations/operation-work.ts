/** What a slice provides for its kind of operation: what becomes of its things at the turning points. */
import type { CommandResult, CommandVerb } from '@coppice/protocol';
import type { MachineRow } from '../machines/machine.store.js';
import type { Transaction } from '../platform/database.js';
import type { OpenOperation } from './operation.store.js';
import type { OperationError } from './operation-error.js';

/** Where a turning point happens: inside its transaction, with host, machine and operation locked. */
export type Turn = { transaction: Transaction; operation: OpenOperation; machine: MachineRow; at: Date };

/** What follows: the command for the first step of this kind, or the end. */
export type Next =
  | { kind: 'step'; step: WorkStep; phase: string }
  | { kind: 'end'; state: 'SUCCEEDED'; error: null }
  | { kind: 'end'; state: 'FAILED'; error: OperationError };

/** Steps of plans, and the cleaning up that is in no plan. */
export type WorkStep =
  | 'CREATE_LAYER'
  | 'QUIESCE_GUEST'
  | 'FREEZE_LAYER'
  | 'THAW_GUEST'
  | 'SAVE_DEFINITION'
  | 'VERIFY_CHAIN'
  | 'DISCARD_LAYER';

/** A command that did not succeed. */
export type Failed = {
  verb: CommandVerb;
  error: OperationError;
  /** True: it is certain that no host ever had it, so nothing of it is on any disk. */
  neverSent: boolean;
  /** True: the host itself said that it failed. Where the protocol promises that a failed command leaves nothing, nothing is left. */
  saidByHost: boolean;
};

export type OperationWork = {
  /** The mutation's name. */
  kind: string;
  /** Its first command is about to go out. Called again when a session repeats it: must then change nothing. */
  begun(turn: Turn): Promise<void>;
  /** A command succeeded: record what it did, say what follows. Throws where the answer contradicts what was asked. */
  advanced(turn: Turn, result: CommandResult): Promise<Next>;
  /** A command failed: record what that means, say what follows. */
  failed(turn: Turn, failed: Failed): Promise<Next>;
  /** It ends here and now, and nobody knows how far the host came (a restored database, an abandoned host): touch no file. */
  abandoned(turn: Turn, error: OperationError): Promise<void>;
};
