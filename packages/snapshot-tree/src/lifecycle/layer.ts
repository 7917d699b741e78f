import type { Lifecycle } from './lifecycle.js';

/** What is known of a layer's file. */
export type LayerState = 'PLANNED' | 'PRESENT' | 'DISCARDING' | 'DISCARDED';

/**
 *   PLANNED ──▶ PRESENT ──▶ DISCARDING ──▶ DISCARDED
 *      ├────────────────────────▲              ▲
 *      └───────────────────────────────────────┘
 *
 * PLANNED: named by an unfinished operation, the file may be there or not. Files appear before the record says so and go after it
 * (invariant 3): DISCARDED only once a host has said that the file is gone, or that it never was. Nothing comes back.
 */
export const LAYER_LIFECYCLE: Lifecycle<LayerState> = {
  PLANNED: ['PRESENT', 'DISCARDING', 'DISCARDED'],
  PRESENT: ['DISCARDING'],
  DISCARDING: ['DISCARDED'],
  DISCARDED: [],
};
