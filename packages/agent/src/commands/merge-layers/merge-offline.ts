import { CommandProblem } from '../../failure.js';
import type { StorageDaemon } from '../../hypervisor/qemu-storage/storage-daemon.js';
import { type CommandContext, told } from '../context.js';
import { fileOfDisk } from '../expected-chain.js';
import { drifted, viewMachine } from '../machine-view.js';
import { copiedBefore } from './copied-note.js';
import { copyOffline, holdLayers } from './copy-offline.js';
import { hasCommit, isHead, type Merge, readerOf, type Stage, targetOf } from './merge.js';
import { bytesOf, costOf, requireSpaceFor } from './merge-cost.js';
import { type MergeState, readMergeState } from './merge-state.js';
import { repointReaders, switchDefinition } from './repoint-readers.js';
import { tryToUndo, undoUnsettled } from './undo-repoint.js';

/** A merge of layers that no machine has open. Returns the bytes of data that were copied. Throws MACHINE_STATE where one has. */
export async function mergeOffline(merge: Merge, stage: Stage, context: CommandContext): Promise<number> {
  const headFile = await requireOff(merge, context);
  const copied = await copiedBefore(context, merge);
  const state = await told(context, 'VERIFY_CHAIN', () => settledState(merge, { headFile, isCopied: copied !== null, context }));
  if (state === 'REPOINTED') stage.left = 'REPOINTED';
  const { daemon, bytesMoved } =
    copied !== null || state === 'REPOINTED'
      ? { daemon: await holdLayers({ merge, state }, context), bytesMoved: copied ?? 0 }
      : await copy({ merge, stage }, context);
  // Closed only now: its locks keep a machine from being started on the reader before the definition has left it.
  try {
    await repointReaders(merge, stage, context);
    await switchDefinition(merge, stage, context);
    return bytesMoved;
  } finally {
    await daemon.close();
  }
}

/** The state by the headers, after one that is ahead of its data was put back: what no journal says to be settled may be lost. */
async function settledState(
  merge: Merge,
  { headFile, isCopied, context }: { headFile: string | null; isCopied: boolean; context: CommandContext },
): Promise<MergeState> {
  const state = await readMergeState(merge, headFile);
  if (state !== 'PULLED' || isCopied) return state;
  await undoUnsettled(merge, context);
  return readMergeState(merge, headFile);
}

async function copy(
  planned: { merge: Merge; stage: Stage },
  context: CommandContext,
): Promise<{ daemon: StorageDaemon; bytesMoved: number }> {
  const cost = await costOf(planned.merge);
  await requireSpaceFor(planned.merge, cost, context);
  try {
    const daemon = await copyOffline({ ...planned, cost }, context);
    return { daemon, bytesMoved: bytesOf(cost.commit) + bytesOf(cost.pull) };
  } catch (error) {
    await tryToUndo(planned.merge, context);
    throw error;
  }
}

/** Throws unless the machine, if it has anything to do with the run, is off. Returns the file that its disk is on where that is in the run. */
async function requireOff(merge: Merge, { hypervisor }: CommandContext): Promise<string | null> {
  const { target, machineUuid, above } = merge;
  if (target === null) return null;
  const { facts, inactive } = await viewMachine(hypervisor, machineUuid);
  if (facts.power !== 'OFF' || facts.hasManagedSave) {
    const what = facts.power === 'OFF' ? 'has a managed save image, which names its present layers' : 'is not off';
    throw new CommandProblem({
      code: 'MACHINE_STATE',
      retryable: true,
      message: `Machine ${machineUuid} ${what}, and the merge was planned for one that is off. Nothing was changed.`,
      hint: 'Retry: the new plan is made for the state that it has then.',
    });
  }
  const file = await fileOfDisk(inactive, target);
  const wanted = isHead(merge) ? [readerOf(merge).path, ...(hasCommit(merge) ? [targetOf(merge).path] : [])] : [above[0]?.path];
  if (file === null || !wanted.includes(file)) throw drifted(`Disk ${target} is on ${file ?? 'no file'}, not on its recorded head.`);
  return isHead(merge) ? file : null;
}
