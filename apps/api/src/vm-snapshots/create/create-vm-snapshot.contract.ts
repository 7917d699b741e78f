/** The use case that the resolver calls. Implemented beside this file; everything it needs is passed in by compose.ts. */
import type { Principal } from '../../access/principal.js';
import type { Outcome } from '../../errors/refusal.js';
import type { PlanView } from '../plan-view.js';

/** Normalised input of createVmSnapshot and planCreateVmSnapshot: plain ids, defaults applied. */
export type CreateVmSnapshotRequest = {
  virtualMachineId: string;
  name: string | null;
  description: string | null;
  kind: 'DISK' | 'DISK_AND_MEMORY';
  quiesce: boolean;
  /** Null: all volumes. */
  volumeIds: string[] | null;
  planHash: string | null;
  idempotencyKey: string | null;
};

export interface CreateVmSnapshot {
  /** What it would do. Refusals are those of create. Nothing is written. */
  plan(principal: Principal, request: CreateVmSnapshotRequest): Promise<Outcome<PlanView>>;
  /** Starts it: claims, operation, steps, first transitions and first command in one transaction. The same key and body give the same answer again. */
  create(principal: Principal, request: CreateVmSnapshotRequest): Promise<Outcome<{ snapshotId: string; operationId: string }>>;
}
