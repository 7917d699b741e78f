import type { OperationWork } from '../operations/operation-work.js';

/** Work that changes no record before its host has answered, and leaves nothing to clean up: what each slice says otherwise it overrides. */
export const PLAIN_WORK: Omit<OperationWork, 'kind' | 'advanced'> = {
  async begun() {
    // Nothing of the record moves before the host has answered.
  },
  async failed(_turn, { isCancelled, error }) {
    return { kind: 'end', state: isCancelled ? 'CANCELLED' : 'FAILED', error };
  },
  async cleanedUp(turn) {
    throw new Error(`operation ${turn.operation.id} (${turn.operation.kind}) never asks to clean up`);
  },
  async abandoned() {
    // Whatever the host did shows in its next inventory.
  },
  cancelEffect: (_record, { isSent }) => (isSent ? null : 'Nothing of it has begun, and everything stays as it is.'),
};
