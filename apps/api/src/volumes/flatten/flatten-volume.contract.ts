/** The use case that the resolver calls. Implemented beside this file; everything it needs is passed in by core.ts. */
import type { Principal } from '../../access/principal.js';
import type { Outcome } from '../../errors/refusal.js';

/** Normalised input of flattenVolume: a plain id, defaults applied. */
export type FlattenVolumeRequest = { volumeId: string; keepTemplate: boolean; idempotencyKey: string | null };

export interface FlattenVolume {
  /** Starts it: claims, operation, steps and first command in one transaction. The same key and body give the same answer again. */
  flatten(principal: Principal, request: FlattenVolumeRequest): Promise<Outcome<{ volumeId: string; operationId: string }>>;
}
