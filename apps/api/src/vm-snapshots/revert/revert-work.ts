/**
 * What becomes of a machine, its snapshots and its layers while revertToVmSnapshot runs:
 *
 *   the snapshot  READY → REVERTING → READY        the safety snapshot  ALLOCATED → CREATING → READY | ERROR
 *   new heads     PLANNED → PRESENT | DISCARDED    abandoned heads      PRESENT → DISCARDING → DISCARDED
 *
 * All that the switch changes is recorded in one transaction, with the host's answer; only then is anything discarded.
 */
import type { CommandResult } from '@coppice/protocol';
import type { Failed, Next, OperationWork, Turn } from '../../operations/operation-work.js';
import type { OperationError } from '../../operations/operation-error.js';
import { discardNewLayers } from './revert-program.js';
import { REVERT_TO_VM_SNAPSHOT, type RevertRecord, revertRecord } from './revert-record.js';
import {
  abandonReverting,
  beginReverting,
  commitSwitch,
  discardedAbandoned,
  discardedNewLayers,
  failReverting,
  madeLayers,
  rememberedError,
} from './revert-work.store.js';

type SwitchResult = Extract<CommandResult, { verb: 'switch-heads' }>;

/** Places of the stages in the program. */
const MAKING = 0;
const DISCARDING = 2;

/** The work of revertToVmSnapshot, for the operation engine. */
export const revertToVmSnapshotWork: OperationWork = {
  kind: REVERT_TO_VM_SNAPSHOT,

  async begun(turn) {
    await beginReverting(turn, recordOf(turn));
  },

  async advanced(turn, { result }) {
    const record = recordOf(turn);
    switch (result.verb) {
      case 'create-layers':
        await madeLayers(turn, record, result);
        return { kind: 'next' };
      case 'switch-heads':
        return switched(turn, record, result);
      case 'discard-layers':
        await discardedAbandoned(turn, record);
        return { kind: 'next' };
      default:
        throw new Error(`operation ${turn.operation.id} reverts a machine and was answered ${result.verb}`);
    }
  },

  async failed(turn, failed) {
    const record = recordOf(turn);
    // The machine is reverted and the database knows it. What could not be removed stays DISCARDING, and is tried again by whoever sweeps.
    if (failed.index === DISCARDING) return { kind: 'end', state: 'SUCCEEDED', error: null };
    return failedBefore(turn, record, failed);
  },

  async cleanedUp(turn, { error }) {
    const first = rememberedError(turn);
    if (error) return leftGarbage(first, error);
    await discardedNewLayers(turn, recordOf(turn));
    return { kind: 'end', state: turn.operation.state === 'CANCELLING' ? 'CANCELLED' : 'FAILED', error: first };
  },

  async abandoned(turn, error) {
    await abandonReverting(turn, { record: recordOf(turn), error });
  },

  cancelEffect(record, { index, isSent }) {
    if (index > MAKING + 1 || (index === MAKING + 1 && isSent)) return null;
    const { safetySnapshotId } = revertRecord.parse(record);
    const safety =
      safetySnapshotId === null ? '' : ' The snapshot of the present state is not taken and stays in ERROR until it is deleted.';
    return `The machine stays as it is and goes on; nothing is reverted.${safety}`;
  },
};

function recordOf(turn: Turn): RevertRecord {
  return revertRecord.parse(turn.operation.record);
}

/** The host switched. Where that is not what was asked, nothing is discarded, and the next inventory shows what there is. */
async function switched(turn: Turn, record: RevertRecord, result: SwitchResult): Promise<Next> {
  const attached = record.volumes.filter((volume) => volume.target !== null);
  if (attached.every(({ volumeId }) => result.volumes.some((volume) => volume.volumeId === volumeId))) {
    await commitSwitch(turn, record, result);
    return { kind: 'next' };
  }
  const error = {
    code: 'INTERNAL' as const,
    message: 'The host switched other disks than it was asked to; nothing was discarded.',
    retryable: false,
    hint: 'The machine is looked at again; if it then shows drift, reconcile it.',
  };
  await failReverting(turn, { record, error, layersBecome: null });
  return { kind: 'end', state: 'FAILED', error };
}

/** The heads of before are the machine's, unless its host says that it could not put them back. */
async function failedBefore(turn: Turn, record: RevertRecord, failed: Failed): Promise<Next> {
  const { index, error, neverSent, saidByHost, isCancelled, left } = failed;
  const state = isCancelled ? 'CANCELLED' : 'FAILED';
  if (left !== 'NOTHING') {
    await failReverting(turn, { record, error, layersBecome: null });
    return { kind: 'end', state, error };
  }
  // create-layers takes back what it made before it says that it failed. To discard by name then could only hit files of somebody else.
  const nothingMade = index === MAKING && (neverSent || saidByHost);
  await failReverting(turn, { record, error, layersBecome: nothingMade ? 'DISCARDED' : 'DISCARDING' });
  return nothingMade ? { kind: 'end', state, error } : { kind: 'clean-up', stage: discardNewLayers(record) };
}

/** The first error stays; the files that could not be removed stay known (DISCARDING), and the hint says so. */
function leftGarbage(error: OperationError, failed: OperationError): Next {
  const hint = `Empty layers could not be removed (${failed.message}). They take little space and are read by nothing.`;
  return { kind: 'end', state: 'FAILED', error: { ...error, hint: error.hint ? `${error.hint} ${hint}` : hint } };
}
