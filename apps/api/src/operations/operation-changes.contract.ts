/** What can be asked of an operation that exists. Implemented in change-operation.ts. */
import type { Principal } from '../access/principal.js';
import type { Outcome } from '../errors/refusal.js';

export interface OperationChanges {
  /** Asks it to stop: CANCELLING, or CANCELLED at once where no host has begun. NOT_CANCELABLE says why not. */
  cancel(principal: Principal, operationId: string): Promise<Outcome<{ operationId: string }>>;
  /** Goes on at the first step that is not done: claims again, plans again what is not one-way. */
  retry(principal: Principal, operationId: string): Promise<Outcome<{ operationId: string }>>;
  /** What a cancel leaves, in a sentence, by operation, also one that is under way; those that this caller cannot cancel now are left out. */
  cancelEffects(principal: Principal, operationIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
}
