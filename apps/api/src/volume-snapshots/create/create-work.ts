/** What becomes of a volume snapshot while createVolumeSnapshot runs: ALLOCATED → CREATING → CREATED_ON_PRIMARY | ERROR. */
import type { OperationWork, Turn } from '../../operations/operation-work.js';
import { discardNewLayer } from './create-program.js';
import { CREATE_VOLUME_SNAPSHOT, createRecord } from './create-record.js';
import { beginCreating, copied, failCreating, frozen, newLayerBecomes, rememberedError } from './create-work.store.js';

/** The work of createVolumeSnapshot, for the operation engine. */
export const createVolumeSnapshotWork: OperationWork = {
  kind: CREATE_VOLUME_SNAPSHOT,

  async begun(turn) {
    await beginCreating(turn, recordOf(turn));
  },

  async advanced(turn, { result }) {
    if (result.verb === 'freeze-layers') await frozen(turn, recordOf(turn), result);
    else if (result.verb === 'copy-layer') await copied(turn, recordOf(turn), result);
    else if (result.verb !== 'create-layers')
      throw new Error(`operation ${turn.operation.id} takes a volume snapshot and was answered ${result.verb}`);
    return { kind: 'next' };
  },

  async failed(turn, { verb, error, isCancelled, neverSent, saidByHost }) {
    const record = recordOf(turn);
    await failCreating(turn, record, error);
    const end = { kind: 'end', state: isCancelled ? 'CANCELLED' : 'FAILED', error } as const;
    // A layer that the machine was switched to stays, whatever becomes of the copy: a consolidation merges what is below it.
    if (verb === 'copy-layer' || record.freeze === null) return end;
    await newLayerBecomes(turn, record, 'DISCARDING');
    // create-layers takes back what it made before it says that it failed. To discard by name then could only hit files of somebody else.
    if (verb !== 'create-layers' || !(neverSent || saidByHost)) return { kind: 'clean-up', stage: discardNewLayer(record, record.freeze) };
    await newLayerBecomes(turn, record, 'DISCARDED');
    return end;
  },

  async cleanedUp(turn, { error }) {
    // What could not be removed stays DISCARDING, and is tried again by whoever sweeps.
    if (!error) await newLayerBecomes(turn, recordOf(turn), 'DISCARDED');
    return { kind: 'end', state: turn.operation.state === 'CANCELLING' ? 'CANCELLED' : 'FAILED', error: rememberedError(turn) };
  },

  async abandoned(turn, error) {
    await failCreating(turn, recordOf(turn), error);
  },

  cancelEffect: () =>
    'The copy stops and its file is removed; the machine goes on as it is. The volume snapshot stays in ERROR until it is deleted.',
};

function recordOf(turn: Turn) {
  return createRecord.parse(turn.operation.record);
}
