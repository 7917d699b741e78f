/**
 * What becomes of the new machine and its layers while cloneVmSnapshot runs:
 *
 *   the machine  UNKNOWN → STOPPED (→ RUNNING) | DESTROYED        its layers  PLANNED → PRESENT | DISCARDED
 *
 * All that makes it a machine is recorded in one transaction, with the host's answer that it is defined. The other machine and the snapshot
 * do not change; the other is held meanwhile, so that no merge touches what is read.
 */
import type { CommandResult } from '@coppice/protocol';
import type { Failed, Next, OperationWork, Turn } from '../../operations/operation-work.js';
import { operationError, type OperationError } from '../../operations/operation-error.js';
import type { Copy } from '../../volumes/copies/copies.js';
import { discardedCopies, noteSize } from '../../volumes/copies/copies.store.js';
import { discardClone, removeClone } from './clone-program.js';
import { CLONE_VM_SNAPSHOT, type CloneRecord, cloneRecord } from './clone-record.js';
import { commitClone, failClone, recordPower } from './clone-work.store.js';

type ResultOf<V extends CommandResult['verb']> = Extract<CommandResult, { verb: V }>;

/** The work of cloneVmSnapshot, for the operation engine. */
export const cloneVmSnapshotWork: OperationWork = {
  kind: CLONE_VM_SNAPSHOT,

  async begun() {
    // Nothing of the record moves before the host has answered.
  },

  async advanced(turn, { index, result }) {
    const record = recordOf(turn);
    switch (result.verb) {
      case 'create-layers':
        for (const made of record.copies) await noteSize(turn.transaction, made, sizeOf(made.volumeId, result));
        return { kind: 'next' };
      case 'copy-layer':
        await noteSize(turn.transaction, copyAt(turn, record, index), result.allocatedBytes);
        return { kind: 'next' };
      case 'define-machine':
        await commitClone(turn, record, result);
        return { kind: 'next' };
      case 'change-power':
        await recordPower(turn, record, result);
        return { kind: 'next' };
      default:
        throw new Error(`operation ${turn.operation.id} clones a snapshot and was answered ${result.verb}`);
    }
  },

  async failed(turn, failed) {
    return failed.verb === 'change-power' ? notStarted(failed) : givenUp(turn, recordOf(turn), failed);
  },

  async cleanedUp(turn, { result, error }) {
    const record = recordOf(turn);
    const first = operationError.parse(turn.operation.error);
    if (error) return leftGarbage(first, error);
    if (result.verb === 'remove-machine') return { kind: 'clean-up', stage: discardClone(record) };
    await discardedCopies(turn.transaction, record.copies);
    return { kind: 'end', state: turn.operation.state === 'CANCELLING' ? 'CANCELLED' : 'FAILED', error: first };
  },

  async abandoned() {
    // Whether the host defined it shows in its next inventory: the machine stays UNKNOWN until then, and can be destroyed.
  },

  cancelEffect(record, { index, isSent }) {
    const { copies, linked } = cloneRecord.parse(record);
    const defining = linked ? 1 : copies.length;
    if (index < defining || (index === defining && !isSent)) return 'The copy stops and is removed; there is no new machine.';
    return index > defining && !isSent ? 'The new machine is there and is not started.' : null;
  },
};

function recordOf(turn: Turn): CloneRecord {
  return cloneRecord.parse(turn.operation.record);
}

/** Each stage before the machine is one disk's copy. */
function copyAt(turn: Turn, { copies }: CloneRecord, index: number): Copy {
  const made = copies[index];
  if (!made) throw new Error(`operation ${turn.operation.id} was answered a copy of no disk`);
  return made;
}

function sizeOf(volumeId: string, { layers }: ResultOf<'create-layers'>): number {
  return layers.find((layer) => layer.volumeId === volumeId)?.allocatedBytes ?? 0;
}

/** The machine is there all the same. */
function notStarted({ error, isCancelled }: Failed): Next {
  const hint = `The new machine is there and is off. ${error.hint ?? 'Start it again.'}`;
  return { kind: 'end', state: isCancelled ? 'CANCELLED' : 'FAILED', error: { ...error, hint } };
}

/** The first command takes back what it made before it says that it failed. A define whose end nobody knows may have made the machine. */
async function givenUp(turn: Turn, record: CloneRecord, { index, verb, error, neverSent, saidByHost, isCancelled }: Failed): Promise<Next> {
  const nothingMade = index === 0 && (neverSent || saidByHost);
  await failClone(turn, { record, error, layersBecome: nothingMade ? 'DISCARDED' : 'DISCARDING' });
  if (nothingMade) return { kind: 'end', state: isCancelled ? 'CANCELLED' : 'FAILED', error };
  const mayBeThere = verb === 'define-machine' && !neverSent && !saidByHost;
  return { kind: 'clean-up', stage: mayBeThere ? removeClone(record) : discardClone(record) };
}

/** The first error stays; the files that could not be removed stay known (DISCARDING), and the hint says so. */
function leftGarbage(error: OperationError, failed: OperationError): Next {
  const hint = `What was made could not be removed (${failed.message}). It is read by nothing.`;
  return { kind: 'end', state: 'FAILED', error: { ...error, hint: error.hint ? `${error.hint} ${hint}` : hint } };
}
