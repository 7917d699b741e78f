/**
 * What becomes of snapshots and layers while they are deleted:
 *
 *   the snapshots   READY | ERROR → EXPUNGING → REMOVED           a cancel before the first command: back to what they were
 *                                      └──────→ ERROR             stopped after it: out of the tree, the layers' work goes on by retry or delete
 *   garbage         PRESENT → DISCARDING → DISCARDED
 *
 * The names go when the first command goes out; from then on the layer that a merge writes into may be spoiled, and only forward is legal.
 */
import type { CommandResult } from '@coppice/protocol';
import type { OperationError } from '../../operations/operation-error.js';
import type { Failed, Next, OperationWork, Turn } from '../../operations/operation-work.js';
import { CONSOLIDATE, DELETE_VM_SNAPSHOTS, type DeleteRecord, deleteRecord, type MergeRecord } from './delete-record.js';
import {
  consume,
  discarded,
  dropHeads,
  expectSpoiled,
  fail,
  isCommit,
  isUntouched,
  markTarget,
  merged,
  removeSnapshots,
  restore,
  thickened,
} from './delete-work.store.js';

/** The work of deleteVmSnapshots, for the operation engine. */
export const deleteVmSnapshotsWork: OperationWork = workOf(DELETE_VM_SNAPSHOTS);

/** The same for the system's own: no snapshot goes, layers are put in order. */
export const consolidateWork: OperationWork = workOf(CONSOLIDATE);

function workOf(kind: string): OperationWork {
  return {
    kind,

    async begun(turn, index) {
      const record = recordOf(turn);
      await consume(turn, record);
      const merge = index === null ? null : mergeOf(record, index);
      if (merge && isCommit(merge) && record.parts[index ?? 0]?.does === 'MERGE') await expectSpoiled(turn, merge);
    },

    async advanced(turn, { index, result }) {
      const record = recordOf(turn);
      await recordStage(turn, record, { index, result });
      if (index === record.parts.length - 1) await removeSnapshots(turn, record);
      return { kind: 'next' };
    },

    async failed(turn, failed) {
      return stopped(turn, recordOf(turn), failed);
    },

    async cleanedUp() {
      throw new Error('a delete asks for no clean-up: what it leaves is swept');
    },

    async abandoned(turn, error) {
      const record = recordOf(turn);
      if (await isUntouched(turn, record)) await restore(turn, record, { error, isCancelled: false });
      else await fail(turn, record, error);
    },

    cancelEffect(record, { index, isSent }) {
      const { parts, doomed } = deleteRecord.parse(record);
      if (index === 0 && !isSent)
        return doomed.length === 0 ? 'Nothing has begun; nothing changes.' : 'Nothing has begun: the snapshots stay.';
      if (parts[index]?.does === 'DISCARD') return null;
      return (
        'The snapshots have left the tree and do not come back. The merge stops where it is: nothing that is still there changes. ' +
        'What is left of the layers is merged later, by another delete or by Coppice itself.'
      );
    },
  };
}

function recordOf(turn: Turn): DeleteRecord {
  return deleteRecord.parse(turn.operation.record);
}

function mergeOf(record: DeleteRecord, index: number): MergeRecord | null {
  const number = record.parts[index]?.merge ?? null;
  return number === null ? null : (record.merges[number] ?? null);
}

async function recordStage(turn: Turn, record: DeleteRecord, { index, result }: { index: number; result: CommandResult }): Promise<void> {
  const merge = mergeOf(record, index);
  switch (result.verb) {
    case 'create-layers':
      return;
    case 'freeze-layers':
      if (merge) return thickened(turn, merge);
      break;
    case 'merge-layers':
      if (merge) return merged(turn, merge, result);
      break;
    case 'discard-layers':
      return discarded(turn, record, index);
    default:
      break;
  }
  throw new Error(`operation ${turn.operation.id} deletes snapshots and was answered ${result.verb} for its stage ${index}`);
}

/** Before the first command all is as it was. Later: what a merge left is marked, and the snapshots wait in ERROR for the rest. */
async function stopped(turn: Turn, record: DeleteRecord, failed: Failed): Promise<Next> {
  const { index, error, neverSent, saidByHost, isCancelled } = failed;
  const does = record.parts[index]?.does;
  const state = isCancelled ? 'CANCELLED' : 'FAILED';
  // create-layers takes back what it made before it says that it failed.
  await dropHeads(turn, record, { index, leftNothing: neverSent || (does === 'MAKE_HEAD' && saidByHost) });
  if (index === 0 && neverSent) {
    await restore(turn, record, failed);
    return { kind: 'end', state, error };
  }
  const merge = mergeOf(record, index);
  if (merge && does === 'MERGE') await markTarget(turn, merge, leftOf(merge, failed));
  if (does === 'DISCARD') {
    // Nothing reads the files any more, and they stay known: who sweeps tries again.
    await removeSnapshots(turn, record);
    return { kind: 'end', state: 'SUCCEEDED', error: filesStay(error) };
  }
  const told = { ...error, retryable: true, hint: error.hint ?? 'Delete the snapshots again, or retry the operation.' };
  if (record.doomed.length > 0) await fail(turn, record, told);
  return { kind: 'end', state, error: told };
}

/** What was asked for is done; people see that its space is not free yet, and why. */
function filesStay({ code, message }: OperationError): OperationError {
  return {
    code,
    message: `What was deleted is gone, and some of its files could not be removed from the pool yet: ${message}`,
    retryable: false,
    hint: 'Nobody reads them any more. They are removed without your doing as soon as that is possible, and keep their space until then.',
  };
}

/** A host that does not say what it left may have written the first byte. What an earlier try left is not mended by one that left nothing. */
function leftOf(merge: MergeRecord, { neverSent, saidByHost, left }: Failed): 'NONE' | 'SPOILED' | 'REPOINTED' {
  if (neverSent || merge.before === 'REPOINTED') return merge.before;
  if (saidByHost) return left === 'NOTHING' ? merge.before : left;
  return isCommit(merge) ? 'SPOILED' : merge.before;
}
