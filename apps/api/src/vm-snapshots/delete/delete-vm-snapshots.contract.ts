/** The use case that the resolver calls. Implemented beside this file; everything it needs is passed in by core.ts. */
import type { Principal } from '../../access/principal.js';
import type { Outcome } from '../../errors/refusal.js';
import type { PlanView } from '../plan-view.js';

/** Normalised input of deleteVmSnapshots and planDeleteVmSnapshots: plain ids, defaults applied. Exactly one of snapshotIds and freeBytes. */
export type DeleteVmSnapshotsRequest = {
  virtualMachineId: string;
  snapshotIds: string[] | null;
  withDescendants: boolean;
  freeBytes: number | null;
  planHash: string | null;
  idempotencyKey: string | null;
};

/** What was started: the snapshots that go. */
export type StartedDelete = { snapshotIds: string[]; operationId: string };

export interface DeleteVmSnapshots {
  /** What it would do, with layers measured where they are not yet. Refusals are those of delete. Nothing of the tree is written. */
  plan(principal: Principal, request: DeleteVmSnapshotsRequest): Promise<Outcome<PlanView>>;
  /** The same without asking any host: what is known is good enough to say whether it may be done. */
  check(principal: Principal, request: DeleteVmSnapshotsRequest): Promise<Outcome<PlanView>>;
  /** Starts it: claims, operation, steps, first transitions and first command in one transaction. The same key and body give the same answer again. */
  delete(principal: Principal, request: DeleteVmSnapshotsRequest): Promise<Outcome<StartedDelete>>;
}
