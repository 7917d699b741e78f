/** The use case that the resolver calls. Implemented beside this file; everything it needs is passed in by core.ts. */
import type { Principal } from '../../access/principal.js';
import type { Outcome } from '../../errors/refusal.js';

/** Normalised input of cloneVmSnapshot: a plain id, defaults applied. */
export type CloneVmSnapshotRequest = {
  snapshotId: string;
  /** The new machine's. */
  name: string;
  /** Share the snapshot's layers instead of copying them. */
  linked: boolean;
  /** Start the new machine. */
  start: boolean;
  idempotencyKey: string | null;
};

/** What was started: `virtualMachineId` is the new machine. */
type StartedClone = { virtualMachineId: string; operationId: string };

export interface CloneVmSnapshot {
  /** Starts it: claims, operation, steps, the new machine and the first command in one transaction. The same key and body give the same answer again. */
  clone(principal: Principal, request: CloneVmSnapshotRequest): Promise<Outcome<StartedClone>>;
}
