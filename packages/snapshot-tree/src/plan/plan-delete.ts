import type { DeletePlan, DeleteRefusal, DeleteRequest } from './delete-plan.js';

/** Plans the deletion of any snapshots (domain.md, Delete); with none named, whatever merges and discards have become possible. */
export function planDelete(_request: DeleteRequest): { ok: true; value: DeletePlan } | { ok: false; refusal: DeleteRefusal } {
  throw new Error('not planned yet');
}
