import type { RevertRefusal } from '@coppice/snapshot-tree';
import type { Refusal } from '../../errors/refusal.js';
import { assertNever } from '../../platform/assert-never.js';

/** The planner's refusal as a sentence. */
export function explainRevertRefusal(refusal: RevertRefusal): Refusal {
  switch (refusal.code) {
    case 'SNAPSHOT_STATE':
      return {
        code: 'SNAPSHOT_STATE',
        message: `The snapshot is ${refusal.state}; a machine can go back to it while it is READY.`,
        path: ['snapshotId'],
      };
    case 'NOT_REVERTIBLE':
      return { code: 'NOT_REVERTIBLE', message: refusal.obstacles.map((obstacle) => obstacle.message).join(' '), path: ['snapshotId'] };
    case 'CHAIN_TOO_LONG':
      return {
        code: 'CHAIN_TOO_LONG',
        message:
          `The disk ${refusal.target || 'that is detached'} would have ${refusal.length} layers and a new one, and may have ${refusal.limit}. ` +
          'Delete snapshots of this machine first.',
      };
    default:
      return assertNever(refusal);
  }
}
