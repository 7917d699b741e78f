/** The use case that the resolver calls. Implemented beside this file; everything it needs is passed in by core.ts. */
import type { Principal } from '../../access/principal.js';
import type { Outcome } from '../../errors/refusal.js';
import type { PlanView } from '../plan-view.js';

/** Normalised input of revertToVmSnapshot and planRevertToVmSnapshot: a plain id, defaults applied. */
export type RevertToVmSnapshotRequest = {
  snapshotId: string;
  /** Keep what would be abandoned as a snapshot of its own. */
  snapshotFirst: boolean;
  /** Start the machine after a DISK revert. */
  start: boolean;
  planHash: string | null;
  idempotencyKey: string | null;
};

/** What was started. */
export type StartedRevert = { snapshotId: string; safetySnapshotId: string | null; operationId: string };

export interface RevertToVmSnapshot {
  /** What it would do, with layers measured for it. Refusals are those of revert. Nothing of the tree is written. */
  plan(principal: Principal, request: RevertToVmSnapshotRequest): Promise<Outcome<PlanView>>;
  /** Starts it: claims, operation, steps, first transitions and first command in one transaction. The same key and body give the same answer again. */
  revert(principal: Principal, request: RevertToVmSnapshotRequest): Promise<Outcome<StartedRevert>>;
}
