/** What becomes of a snapshot and its layers while createVmSnapshot runs: ALLOCATED → CREATING → READY | ERROR. */
import type { CommandResult } from '@coppice/protocol';
import type { OperationError } from '../../operations/operation-error.js';
import type { Next, OperationWork, Turn } from '../../operations/operation-work.js';
import { discardNewLayers } from './create-program.js';
import { CREATE_VM_SNAPSHOT, type CreateRecord, createRecord } from './create-record.js';
import { abandonCreating, beginCreating, commitReady, discardedNewLayers, failCreating, rememberedError } from './create-work.store.js';

type FrozenResult = Extract<CommandResult, { verb: 'freeze-layers' }>;

/** The work of createVmSnapshot, for the operation engine. */
export const createVmSnapshotWork: OperationWork = {
  kind: CREATE_VM_SNAPSHOT,

  async begun(turn) {
    await beginCreating(turn, createRecord.parse(turn.operation.record));
  },

  async advanced(turn, { result }) {
    if (result.verb === 'create-layers') return { kind: 'next' };
    if (result.verb === 'freeze-layers') return commitFrozen(turn, createRecord.parse(turn.operation.record), result);
    throw new Error(`operation ${turn.operation.id} creates a snapshot and was answered ${result.verb}`);
  },

  async failed(turn, failed) {
    const record = createRecord.parse(turn.operation.record);
    const { verb, error, neverSent, saidByHost, isCancelled } = failed;
    // create-layers takes back what it made before it says that it failed. To discard by name then could only hit files of somebody else.
    const nothingMade = verb === 'create-layers' && (neverSent || saidByHost);
    await failCreating(turn, { record, error, layersBecome: nothingMade ? 'DISCARDED' : 'DISCARDING' });
    if (nothingMade) return { kind: 'end', state: isCancelled ? 'CANCELLED' : 'FAILED', error };
    return { kind: 'clean-up', stage: discardNewLayers(record) };
  },

  async cleanedUp(turn, { error }) {
    const record = createRecord.parse(turn.operation.record);
    if (error) return leftGarbage(turn, error);
    await discardedNewLayers(turn, record);
    return { kind: 'end', state: turn.operation.state === 'CANCELLING' ? 'CANCELLED' : 'FAILED', error: rememberedError(turn) };
  },

  async abandoned(turn, error) {
    await abandonCreating(turn, { record: createRecord.parse(turn.operation.record), error });
  },

  cancelEffect: () => 'The machine goes on as it is; the snapshot is not taken and stays in ERROR until it is deleted.',
};

/** The host switched heads. A snapshot is READY only if that is exactly what was planned; anything else is shown and touched no further. */
async function commitFrozen(turn: Turn, record: CreateRecord, result: FrozenResult): Promise<Next> {
  const isAsPlanned = record.volumes.every((volume) => {
    const frozen = result.volumes.find((candidate) => candidate.volumeId === volume.volumeId);
    return frozen?.head.fileName === volume.newFileName && frozen.frozen.fileName === volume.chain[0]?.fileName;
  });
  const hasMemory = result.memoryBytes !== null;
  if (isAsPlanned && hasMemory === (record.memory !== null)) {
    await commitReady(turn, record, result);
    return { kind: 'next' };
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
function leftGarbage(turn: Turn, failed: OperationError): Next {
  const error = rememberedError(turn);
  const hint = `Empty layers could not be removed (${failed.message}). They take little space and are read by nothing.`;
  return { kind: 'end', state: 'FAILED', error: { ...error, hint: error.hint ? `${error.hint} ${hint}` : hint } };
}
