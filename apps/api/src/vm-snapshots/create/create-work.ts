/** What becomes of a snapshot and its layers while createVmSnapshot runs: ALLOCATED → CREATING → READY | ERROR. */
import type { CommandResult } from '@coppice/protocol';
import type { Failed, Next, OperationWork, Turn } from '../../operations/operation-work.js';
import { assertNever } from '../../platform/assert-never.js';
import { CREATE_VM_SNAPSHOT, type CreateRecord, createRecord } from './create-record.js';
import { abandonCreating, beginCreating, commitReady, discardedNewLayers, failCreating, rememberedError } from './create-work.store.js';

type FrozenResult = Extract<CommandResult, { verb: 'freeze-layers' }>;

/** The work of createVmSnapshot, for the operation engine. */
export const createVmSnapshotWork: OperationWork = {
  kind: CREATE_VM_SNAPSHOT,

  async begun(turn) {
    await beginCreating(turn, createRecord.parse(turn.operation.plan));
  },

  async advanced(turn, result) {
    const record = createRecord.parse(turn.operation.plan);
    switch (result.verb) {
      case 'create-layers':
        return { kind: 'step', step: 'FREEZE_LAYER', phase: record.quiesce ? 'Freezing the guest and its disks' : 'Freezing the disks' };
      case 'freeze-layers':
        return commitFrozen(turn, record, result);
      case 'discard-layers':
        await discardedNewLayers(turn, record);
        return { kind: 'end', state: 'FAILED', error: rememberedError(turn) };
      default:
        return assertNever(result);
    }
  },

  async failed(turn, failed) {
    const record = createRecord.parse(turn.operation.plan);
    if (failed.verb === 'discard-layers') return leftGarbage(turn, failed);
    // create-layers takes back what it made before it says that it failed. To discard by name then could only hit files of somebody else.
    const nothingMade = failed.verb === 'create-layers' && (failed.neverSent || failed.saidByHost);
    await failCreating(turn, { record, error: failed.error, layersBecome: nothingMade ? 'DISCARDED' : 'DISCARDING' });
    if (nothingMade) return { kind: 'end', state: 'FAILED', error: failed.error };
    return { kind: 'step', step: 'DISCARD_LAYER', phase: 'Removing the empty layers' };
  },

  async abandoned(turn, error) {
    await abandonCreating(turn, { record: createRecord.parse(turn.operation.plan), error });
  },
};

/** The host switched heads. A snapshot is READY only if that is exactly what was planned; anything else is shown and touched no further. */
async function commitFrozen(turn: Turn, record: CreateRecord, result: FrozenResult): Promise<Next> {
  const isAsPlanned = record.volumes.every((volume) => {
    const frozen = result.volumes.find((candidate) => candidate.volumeId === volume.volumeId);
    return frozen?.head.fileName === volume.newFileName && frozen.frozen.fileName === volume.chain[0]?.fileName;
  });
  if (isAsPlanned) {
    await commitReady(turn, record, result);
    return { kind: 'end', state: 'SUCCEEDED', error: null };
  }
  const error = {
    code: 'INTERNAL' as const,
    message: 'The host froze other layers than it was asked to; nothing was discarded.',
    retryable: false,
    hint: 'The machine is looked at again; if it then shows drift, reconcile it.',
  };
  await failCreating(turn, { record, error, layersBecome: null });
  return { kind: 'end', state: 'FAILED', error };
}

/** The first error stays; the files that could not be removed stay known (DISCARDING), and the hint says so. */
function leftGarbage(turn: Turn, failed: Failed): Next {
  const error = rememberedError(turn);
  const hint = `Empty layers could not be removed (${failed.error.message}). They take little space and are read by nothing.`;
  return { kind: 'end', state: 'FAILED', error: { ...error, hint: error.hint ? `${error.hint} ${hint}` : hint } };
}
