import type { Lifecycle } from './lifecycle.js';

/** The contract's VolumeSnapshotState. */
export type VolumeSnapshotState =
  | 'ALLOCATED'
  | 'CREATING'
  | 'CREATED_ON_PRIMARY'
  | 'BACKING_UP'
  | 'BACKED_UP'
  | 'COPYING'
  | 'REVERTING'
  | 'DESTROYING'
  | 'DESTROYED'
  | 'HIDDEN'
  | 'ERROR';

/**
 * domain.md, Volume snapshots:
 *
 *   ALLOCATED ──▶ CREATING ──▶ CREATED_ON_PRIMARY ──▶ BACKING_UP ──▶ BACKED_UP ◀──▶ COPYING
 *       │             │             ◀─▶ REVERTING ◀─▶ (either of the two that rest)
 *       └──▶ ERROR ◀──┘                     │
 *              └──────────▶ DESTROYING ◀────┘   DESTROYING ──▶ DESTROYED | HIDDEN | ERROR,   HIDDEN ──▶ DESTROYING
 *
 * ALLOCATED → ERROR: it failed before a host began. BACKING_UP → CREATED_ON_PRIMARY: the copy failed, the snapshot is whole where it is.
 * DESTROYING → ERROR: its file could not be removed; deleting it again goes on.
 */
export const VOLUME_SNAPSHOT_LIFECYCLE: Lifecycle<VolumeSnapshotState> = {
  ALLOCATED: ['CREATING', 'ERROR'],
  CREATING: ['CREATED_ON_PRIMARY', 'ERROR'],
  CREATED_ON_PRIMARY: ['BACKING_UP', 'REVERTING', 'DESTROYING'],
  BACKING_UP: ['BACKED_UP', 'CREATED_ON_PRIMARY', 'ERROR'],
  BACKED_UP: ['COPYING', 'REVERTING', 'DESTROYING'],
  COPYING: ['BACKED_UP'],
  REVERTING: ['CREATED_ON_PRIMARY', 'BACKED_UP'],
  DESTROYING: ['DESTROYED', 'HIDDEN', 'ERROR'],
  HIDDEN: ['DESTROYING'],
  ERROR: ['DESTROYING'],
  DESTROYED: [],
};
