import type { Lifecycle } from './lifecycle.js';

/** Where a volume is. The record keeps it as a target or none, and as a row or none. */
export type VolumeState = 'ATTACHED' | 'DETACHED' | 'DESTROYED';

/**
 *   ATTACHED ◀──▶ DETACHED
 *       └──────┬─────┘
 *              ▼
 *          DESTROYED
 *
 * A revert detaches what the snapshot does not know and never destroys it; a volume goes with its machine, or by itself once detached.
 */
export const VOLUME_LIFECYCLE: Lifecycle<VolumeState> = {
  ATTACHED: ['DETACHED', 'DESTROYED'],
  DETACHED: ['ATTACHED', 'DESTROYED'],
  DESTROYED: [],
};
