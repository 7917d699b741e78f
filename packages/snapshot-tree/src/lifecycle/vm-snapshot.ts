import type { Lifecycle } from './lifecycle.js';

/** The contract's VmSnapshotState. */
export type VmSnapshotState = 'ALLOCATED' | 'CREATING' | 'READY' | 'REVERTING' | 'EXPUNGING' | 'REMOVED' | 'ERROR';

/**
 * domain.md, VM snapshots:
 *
 *   ALLOCATED ──▶ CREATING ──▶ READY ◀──▶ REVERTING
 *       │             │          │
 *       └──▶ ERROR ◀──┘          ▼
 *              └───────────▶ EXPUNGING ──▶ REMOVED | ERROR
 *
 * EXPUNGING → READY is a cancel before the first byte moved. ALLOCATED → ERROR: it failed before a host began.
 * ERROR → CREATING: retryOperation takes it once more (docs/decisions/0010).
 */
export const VM_SNAPSHOT_LIFECYCLE: Lifecycle<VmSnapshotState> = {
  ALLOCATED: ['CREATING', 'ERROR'],
  CREATING: ['READY', 'ERROR'],
  READY: ['REVERTING', 'EXPUNGING'],
  REVERTING: ['READY'],
  EXPUNGING: ['REMOVED', 'ERROR', 'READY'],
  ERROR: ['EXPUNGING', 'CREATING'],
  REMOVED: [],
};
