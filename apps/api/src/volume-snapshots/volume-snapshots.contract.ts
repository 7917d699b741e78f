/** The use cases that the resolvers call. Implemented beside this file; everything they need is passed in by core.ts. */
import type { Principal } from '../access/principal.js';
import type { Outcome } from '../errors/refusal.js';

/** Normalised input of createVolumeSnapshot: plain ids, defaults applied but for those that depend on the installation. */
export type CreateVolumeSnapshotRequest = {
  volumeId: string;
  /** Null: the present content. */
  vmSnapshotId: string | null;
  name: string | null;
  kind: 'FULL' | 'INCREMENTAL' | null;
  location: 'PRIMARY' | 'SECONDARY' | null;
  quiesce: boolean;
  idempotencyKey: string | null;
};

/** What a use case answers; `operationId` is null where it was done at once. */
export type StartedVolumeSnapshot = { snapshotId: string; operationId: string | null };

export interface VolumeSnapshots {
  /** Starts it: claims, operation, steps, first transitions and first command in one transaction. The same key and body give the same answer again. */
  create(principal: Principal, request: CreateVolumeSnapshotRequest): Promise<Outcome<StartedVolumeSnapshot>>;
  /** The same for its removal. */
  delete(principal: Principal, request: { snapshotId: string; idempotencyKey: string | null }): Promise<Outcome<StartedVolumeSnapshot>>;
  /** Name and lock; touches no file. */
  update(
    principal: Principal,
    request: { snapshotId: string; fields: { name?: string; locked?: boolean } },
  ): Promise<Outcome<StartedVolumeSnapshot>>;
}
