/** An expected no, as a value: a reason code from one list and a sentence. It reaches users as a typed UserError (graphql/). */

import type { PlanView } from '../vm-snapshots/plan-view.js';

/** The contract's UserErrorCode. */
export const USER_ERROR_CODES = [
  'NOT_FOUND',
  'FORBIDDEN',
  'INVALID_INPUT',
  'NAME_TAKEN',
  'QUOTA_EXCEEDED',
  'RATE_LIMITED',
  'IDEMPOTENCY_CONFLICT',
  'PLAN_CHANGED',
  'CURSOR_EXPIRED',
  'MACHINE_BUSY',
  'MACHINE_STATE',
  'MACHINE_DRIFTED',
  'HOST_UNAVAILABLE',
  'HOST_TOO_OLD',
  'CAPABILITY_DISABLED',
  'POOL_UNSUPPORTED',
  'INSUFFICIENT_SPACE',
  'HAS_VM_SNAPSHOTS',
  'HAS_VOLUME_SNAPSHOTS',
  'HAS_CLONES',
  'CHAIN_TOO_LONG',
  'SNAPSHOT_LOCKED',
  'SNAPSHOT_STATE',
  'MIXED_SNAPSHOT_KINDS',
  'GUEST_AGENT_UNAVAILABLE',
  'NOT_REVERTIBLE',
  'NOT_CANCELABLE',
  'IMAGE_REFUSED',
  'IO_ERROR',
  'INTERNAL',
] as const;

/** One of USER_ERROR_CODES. */
export type UserErrorCode = (typeof USER_ERROR_CODES)[number];

/** A refusal; `path` names the input field. The extras belong to one code each (MACHINE_BUSY, INSUFFICIENT_SPACE, QUOTA_EXCEEDED, PLAN_CHANGED). */
export type Refusal = {
  code: UserErrorCode;
  message: string;
  path?: string[];
  /** MACHINE_BUSY: the operation that holds the machine. */
  operationId?: string;
  /** INSUFFICIENT_SPACE. */
  neededBytes?: bigint;
  availableBytes?: bigint;
  /** QUOTA_EXCEEDED. */
  limit?: bigint;
  used?: bigint;
  /** PLAN_CHANGED: what would be done now. */
  plan?: PlanView;
};

/** What a use case answers: done, or refused with nothing changed. */
export type Outcome<T> = { ok: true; value: T } | { ok: false; refusals: [Refusal, ...Refusal[]] };

/** Shorthand for a done outcome. */
export function done<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

/** Shorthand for a refused outcome. */
export function refused(refusal: Refusal, ...others: Refusal[]): { ok: false; refusals: [Refusal, ...Refusal[]] } {
  return { ok: false, refusals: [refusal, ...others] };
}
