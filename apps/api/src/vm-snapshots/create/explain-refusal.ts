import type { CreateRefusal } from '@coppice/snapshot-tree';
import type { Refusal } from '../../errors/refusal.js';
import { assertNever } from '../../platform/assert-never.js';

/** The planner's refusal as a sentence. */
export function explainRefusal(refusal: CreateRefusal): Refusal {
  switch (refusal.code) {
    case 'NO_VOLUMES':
      return { code: 'MACHINE_STATE', message: 'The machine has no disk that could be snapshotted.' };
    case 'UNKNOWN_VOLUME':
      return { code: 'NOT_FOUND', message: 'One of the chosen volumes is not attached to this machine.', path: ['volumeIds'] };
    case 'CHAIN_TOO_LONG':
      return {
        code: 'CHAIN_TOO_LONG',
        message: `The disk ${refusal.target} has ${refusal.length} layers and may have ${refusal.limit}. Delete snapshots of this machine first.`,
      };
    default:
      return assertNever(refusal);
  }
}
