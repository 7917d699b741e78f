import type { Lifecycle } from './lifecycle.js';

/** The contract's VirtualMachineState. */
export type VirtualMachineState = 'RUNNING' | 'STOPPED' | 'PAUSED' | 'SNAPSHOTTING' | 'REVERTING' | 'MIGRATING' | 'DESTROYED' | 'UNKNOWN';

/**
 *                 ┌──────────▶ SNAPSHOTTING | REVERTING | MIGRATING (an operation owns these)
 *                 │                      │
 *   RUNNING ◀─▶ PAUSED ◀─▶ STOPPED ◀─────┘ each back to where the host sees the machine
 *       └──────────┴──────────┴──▶ DESTROYED
 *
 * UNKNOWN: no host answers for it, or it was just found; only what a host says leads out of it, never a guess. A stopped machine is not
 * migrated: its files are where its new host finds them. Nothing is destroyed while an operation owns it.
 */
export const VIRTUAL_MACHINE_LIFECYCLE: Lifecycle<VirtualMachineState> = {
  RUNNING: ['STOPPED', 'PAUSED', 'SNAPSHOTTING', 'REVERTING', 'MIGRATING', 'DESTROYED', 'UNKNOWN'],
  PAUSED: ['RUNNING', 'STOPPED', 'SNAPSHOTTING', 'REVERTING', 'MIGRATING', 'DESTROYED', 'UNKNOWN'],
  STOPPED: ['RUNNING', 'PAUSED', 'SNAPSHOTTING', 'REVERTING', 'DESTROYED', 'UNKNOWN'],
  SNAPSHOTTING: ['RUNNING', 'PAUSED', 'STOPPED', 'UNKNOWN'],
  REVERTING: ['RUNNING', 'PAUSED', 'STOPPED', 'UNKNOWN'],
  MIGRATING: ['RUNNING', 'PAUSED', 'STOPPED', 'UNKNOWN'],
  UNKNOWN: ['RUNNING', 'PAUSED', 'STOPPED', 'SNAPSHOTTING', 'REVERTING', 'MIGRATING', 'DESTROYED'],
  DESTROYED: [],
};
