/**
 * The copy of a merge whose layers no machine has open, by a storage daemon of our own. Its locks keep a machine from being started over the
 * layers until the daemon is closed, which is after everything reads the target.
 */
import { CommandCancelled } from '../../failure.js';
import { carryBitmaps } from '../../hypervisor/qemu-storage/carry-bitmaps.js';
import { QmpLost, QmpRefusal } from '../../hypervisor/qemu-storage/qmp-socket.js';
import { isLockRefusal, openElsewhere, syncFile } from '../../hypervisor/qemu-storage/repoint-image.js';
import { layerNode, type StorageDaemon } from '../../hypervisor/qemu-storage/storage-daemon.js';
import { runJob, type StorageJob } from '../../hypervisor/qemu-storage/storage-job.js';
import { storageError } from '../../hypervisor/qemu-storage/storage-error.js';
import { type CommandContext, notesOf } from '../context.js';
import { withDaemon } from '../with-daemon.js';
import { noteCopied } from './copied-note.js';
import { belowOf, hasCommit, hasPull, type Merge, type MergedLayer, type Stage, targetOf } from './merge.js';
import { bytesBelow, bytesOf, type MergeCost } from './merge-cost.js';
import type { MergeState } from './merge-state.js';

/** A daemon that dies three times over the same files does not die by chance. */
const MAX_TRIES = 3;

/** A copy that is to be made, of a run whose headers are as planned. */
export interface OfflineCopy {
  readonly merge: Merge;
  readonly cost: MergeCost;
  readonly stage: Stage;
}

/** Makes the copy, durably; returns the daemon, which still holds the layers. Throws CommandProblem, or CommandCancelled. */
export async function copyOffline(copy: OfflineCopy, context: CommandContext): Promise<StorageDaemon> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await withDaemon(context, async (daemon) => {
        await daemon.openChain(layersOf({ merge: copy.merge, state: 'WHOLE' }), copy.merge.into);
        await copyWith({ ...copy, daemon, context });
      });
    } catch (error) {
      if (!(error instanceof QmpLost) || tries >= MAX_TRIES) throw problemOf(error, copy.merge);
      context.log.warn({ err: error, tries }, 'the storage daemon ended in the middle of a merge; it is begun again');
    }
  }
}

/** A daemon that has the layers open for reading, which keeps machines off them. Throws MACHINE_STATE if one is being written elsewhere. */
export async function holdLayers(held: { merge: Merge; state: MergeState }, context: CommandContext): Promise<StorageDaemon> {
  try {
    return await withDaemon(context, (daemon) => daemon.openChain(layersOf(held), -1));
  } catch (error) {
    throw problemOf(error, held.merge);
  }
}

/** The chain as it is open in the daemon: from the reader down, or from the target where the reader is not to be looked at any more. */
function layersOf({ merge, state }: { merge: Merge; state: MergeState }): readonly MergedLayer[] {
  const { chain, into, runLength } = merge;
  if (state === 'WHOLE') return chain;
  return [...chain.slice(state === 'PULLED' ? 0 : into, into + 1), ...chain.slice(runLength)];
}

interface Work extends OfflineCopy {
  readonly daemon: StorageDaemon;
  readonly context: CommandContext;
}

async function copyWith(work: Work): Promise<void> {
  const { merge, stage, cost, daemon, context } = work;
  if (context.cancelled.aborted) throw new CommandCancelled(stage.left);
  if (hasCommit(merge)) await commit(work);
  if (hasPull(merge)) await pull(work);
  context.crash('merge-layers/pulled');
  const below = belowOf(merge) === undefined ? null : merge.runLength;
  await keepBitmaps(work, below);
  await daemon.settle(targetOf(merge), merge.into, below);
  await syncFile(targetOf(merge).path);
  context.crash('merge-layers/copied');
  await noteCopied(context, merge, bytesOf(cost.commit) + bytesOf(cost.pull));
}

/** Incremental backups go on over a merge. Where they cannot, the next is a full one, and the merge is right all the same. */
async function keepBitmaps({ merge, daemon, context }: Work, below: number | null): Promise<void> {
  if (targetOf(merge).format === 'raw') return;
  try {
    await daemon.unlock(targetOf(merge), merge.into, below);
    await carryBitmaps(daemon, { into: merge.into, length: merge.runLength });
  } catch (error) {
    if (!(error instanceof QmpRefusal)) throw error;
    context.log.warn({ err: error }, 'dirty bitmaps could not be carried over a merge');
  }
}

/** From its first byte the target is neither what it was nor what it will be; the reader is whole all the time. */
async function commit(work: Work): Promise<void> {
  const { merge, stage, cost, context } = work;
  context.crash('merge-layers/before-spoil-note');
  if (notesOf(context, 'spoils').length === 0) await context.note('spoils', { path: targetOf(merge).path });
  stage.left = 'SPOILED';
  const bytesTotal = bytesOf(cost.commit);
  await runStep(work, {
    step: 'COMMIT_LAYER',
    job: { command: 'block-commit', argument: { device: layerNode(0), 'base-node': layerNode(merge.into) } },
    bytesTotal,
    // A commit from the topmost layer counts what it copies, zeros included.
    bytesDone: (done, total) => (total === 0 ? 0 : Math.floor((bytesTotal * done) / total)),
  });
}

async function pull(work: Work): Promise<void> {
  const { merge, cost } = work;
  const below = belowOf(merge);
  const base = below === undefined ? {} : { 'base-node': layerNode(merge.runLength), 'backing-file': below.path };
  await runStep(work, {
    step: 'PULL_LAYER',
    job: { command: 'block-stream', argument: { device: layerNode(merge.into), ...base } },
    bytesTotal: bytesOf(cost.pull),
    // A stream counts its way over the disk, whether there is anything to copy or not.
    bytesDone: (done) => bytesBelow(cost.pull, done),
  });
}

interface CopyStep {
  readonly step: 'COMMIT_LAYER' | 'PULL_LAYER';
  readonly job: Pick<StorageJob, 'command' | 'argument'>;
  readonly bytesTotal: number;
  readonly bytesDone: (done: number, total: number) => number;
}

async function runStep({ daemon, merge, stage, context }: Work, { step, job, bytesTotal, bytesDone }: CopyStep): Promise<void> {
  const { target } = merge;
  context.progress(step, 'RUNNING', { target });
  const onProgress = (done: number, total: number) => {
    const soFar = bytesDone(done, total);
    context.progress(step, 'RUNNING', { target, bytesDone: soFar, bytesTotal });
    if (soFar > 0 && soFar < bytesTotal) context.crash('merge-layers/copying');
  };
  const argument = { ...job.argument, speed: merge.bytesPerSecond ?? 0 };
  const end = await runJob(daemon, { ...job, argument, cancelled: context.cancelled, onProgress });
  if (end.kind === 'done') return context.progress(step, 'SUCCEEDED', { target, bytesDone: bytesTotal, bytesTotal });
  context.progress(step, 'FAILED', { target });
  throw end.kind === 'cancelled' ? new CommandCancelled(stage.left) : storageError(targetOf(merge).path, new Error(end.error));
}

function problemOf(error: unknown, merge: Merge): unknown {
  if (error instanceof QmpRefusal && isLockRefusal(error.message)) return openElsewhere(targetOf(merge).path, error);
  return error instanceof QmpRefusal || error instanceof QmpLost ? storageError(targetOf(merge).path, error) : error;
}
