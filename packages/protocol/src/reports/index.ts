/** What an agent says of the commands it was given. `command.finished` is kept until acknowledged; the others may be lost. */
import { z } from 'zod';
import { commandResult } from '../commands/index.js';
import { count, diskTarget, timestamp, uuid } from '../scalars.js';

/** Reason codes of a failed command: the subset of the contract's UserErrorCode that a host can find. */
export const failureCode = z.enum([
  'MACHINE_STATE',
  'MACHINE_DRIFTED',
  'MACHINE_BUSY',
  'NOT_FOUND',
  'HOST_UNAVAILABLE',
  'POOL_UNSUPPORTED',
  'INSUFFICIENT_SPACE',
  'MIXED_SNAPSHOT_KINDS',
  'GUEST_AGENT_UNAVAILABLE',
  'CAPABILITY_DISABLED',
  'IMAGE_REFUSED',
  'NOT_REVERTIBLE',
  'IO_ERROR',
  'INTERNAL',
]);

/** A failure in words for people: what is wrong, what was left, what to do next. `detail` is for the log and for ADMIN only. */
export const commandFailure = z.object({
  code: failureCode,
  message: z.string().max(1000),
  retryable: z.boolean(),
  hint: z.string().max(1000).nullable(),
  detail: z.string().max(8000).nullable(),
});

/**
 * What a command that did not get to its end left of the layers it was given. NOTHING: they are as before. SPOILED: a merge began to write
 * its target, which reads as nothing any more; the reader is whole. REPOINTED: readers were re-pointed, only forward is legal.
 */
export const leftBehind = z.enum(['NOTHING', 'SPOILED', 'REPOINTED']);

/** Done, failed, cancelled because it was asked for, or "forgotten": a number at or below the highest that is neither in the journal nor in its tombstones; never executed. */
export const commandOutcome = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('done'), result: commandResult }),
  z.object({ kind: z.literal('failed'), failure: commandFailure, left: leftBehind.default('NOTHING') }),
  z.object({ kind: z.literal('cancelled'), left: leftBehind }),
  z.object({ kind: z.literal('forgotten') }),
]);

/** Agent → API: journalled, will be done. */
export const commandAccepted = z.object({ type: z.literal('command.accepted'), commandId: uuid });

/** The steps inside a command that people see; a subset of the contract's PlanStepKind. */
export const stepKind = z.enum([
  'CREATE_LAYER',
  'QUIESCE_GUEST',
  'FREEZE_LAYER',
  'THAW_GUEST',
  'SAVE_DEFINITION',
  'VERIFY_CHAIN',
  'DISCARD_LAYER',
  'SWITCH_HEAD',
  'COMMIT_LAYER',
  'PULL_LAYER',
  'REBASE_LAYER',
  'FLATTEN_LAYER',
  'SAVE_MEMORY',
  'RESTORE_MEMORY',
  'DISCARD_MEMORY',
  'RESTORE_DEFINITION',
  'DISCARD_SAVED_STATE',
  'DETACH_VOLUME',
  'STOP_MACHINE',
  'START_MACHINE',
  'MIGRATE_MACHINE',
  'COPY_DATA',
]);

/** Agent → API: a step inside a command began or ended. Lossy; the final state comes from the outcome. */
export const commandProgressed = z.object({
  type: z.literal('command.progressed'),
  commandId: uuid,
  step: stepKind,
  /** Which disk, where the step is one disk's own. */
  target: diskTarget.nullable(),
  state: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED']),
  bytesDone: count.nullable(),
  bytesTotal: count.nullable(),
  at: timestamp,
});

/** Agent → API: the end of a command. Sent again on every session until acknowledged. */
export const commandFinished = z.object({
  type: z.literal('command.finished'),
  commandId: uuid,
  /** Where the agent's journal holds it. */
  position: count,
  outcome: commandOutcome,
  at: timestamp,
});

/** API → agent: everything up to this position is committed in the database. */
export const reportAcknowledged = z.object({ type: z.literal('report.acknowledged'), position: count });

export type CommandOutcome = z.infer<typeof commandOutcome>;
export type CommandFailure = z.infer<typeof commandFailure>;
export type LeftBehind = z.infer<typeof leftBehind>;
export type FailureCode = z.infer<typeof failureCode>;
export type StepKind = z.infer<typeof stepKind>;
export type CommandProgressed = z.infer<typeof commandProgressed>;
export type CommandFinished = z.infer<typeof commandFinished>;
