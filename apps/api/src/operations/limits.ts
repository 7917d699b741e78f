/** Bounds of operations, each with its unit and its reason. */
import type { CommandVerb } from '@coppice/protocol';

/** A command that no host began within this is refused by the agent, or failed here if it was never sent; milliseconds. An operator who waits longer has given up. */
const COMMAND_EXPIRY_MS = 5 * 60_000;

/** Files that are garbage stay garbage: a discard may wait for its host this long; milliseconds. */
const DISCARD_EXPIRY_MS = 30 * 24 * 3_600_000;

/** How long a command may wait for its host. */
export function lifetimeMs(verb: CommandVerb): number {
  return verb === 'discard-layers' ? DISCARD_EXPIRY_MS : COMMAND_EXPIRY_MS;
}

/** Idempotency keys are kept this long (contract); milliseconds. */
export const IDEMPOTENCY_MS = 24 * 3_600_000;

/** Longest idempotency key, in characters. */
export const IDEMPOTENCY_KEY_LENGTH = 255;

/** How often a create looks again when the holder of its machine had just gone (5 % of refusals, mechanisms.md), and the pause between; milliseconds. */
export const CLAIM_TRIES = 8;
export const CLAIM_PAUSE_MS = 25;

/** Progress leaves a replica at most this often, newest only; milliseconds. Four a second is what a person can follow. */
export const PROGRESS_BATCH_MS = 250;

/** Largest payload of a NOTIFY in bytes (PostgreSQL refuses 8000 and more). */
export const NOTIFY_BYTES = 7_900;

/** Operations whose progress is remembered by a replica; the oldest go first. */
export const PROGRESS_REMEMBERED = 1_000;
