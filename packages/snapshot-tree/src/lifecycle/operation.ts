import type { Lifecycle } from './lifecycle.js';

/** The contract's OperationState; steps use it too. */
export type OperationState = 'QUEUED' | 'RUNNING' | 'CANCELLING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';

/**
 *   QUEUED ──▶ RUNNING ──▶ SUCCEEDED
 *     │          │  ▲────▶ FAILED ──▶ RUNNING (retryOperation)
 *     │          ▼
 *     │      CANCELLING ─▶ CANCELLED | SUCCEEDED | FAILED
 *     └─────▶ CANCELLED ─▶ RUNNING (retryOperation, where what was stopped half-way can be gone on with)
 */
export const OPERATION_LIFECYCLE: Lifecycle<OperationState> = {
  QUEUED: ['RUNNING', 'CANCELLED', 'FAILED'],
  RUNNING: ['SUCCEEDED', 'FAILED', 'CANCELLING'],
  CANCELLING: ['CANCELLED', 'SUCCEEDED', 'FAILED'],
  FAILED: ['RUNNING'],
  SUCCEEDED: [],
  CANCELLED: ['RUNNING'],
};
