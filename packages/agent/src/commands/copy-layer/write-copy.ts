/** The bytes of a copy, by a storage daemon of our own: its locks keep a machine from being started on the source meanwhile. */
import { CommandCancelled } from '../../failure.js';
import { writeEmptyImage } from '../../hypervisor/qemu-storage/create-overlay.js';
import type { ImageFile } from '../../hypervisor/qemu-storage/image-file.js';
import { QmpLost, QmpRefusal } from '../../hypervisor/qemu-storage/qmp-socket.js';
import { isLockRefusal, openElsewhere } from '../../hypervisor/qemu-storage/repoint-image.js';
import { COPY_NODE, layerNode, type StorageDaemon } from '../../hypervisor/qemu-storage/storage-daemon.js';
import { storageError } from '../../hypervisor/qemu-storage/storage-error.js';
import { runJob } from '../../hypervisor/qemu-storage/storage-job.js';
import type { DataRange } from '../../inventory/encode-extents.js';
import type { CommandContext } from '../context.js';
import { bytesBelow, bytesOf } from '../merge-layers/merge-cost.js';
import { withDaemon } from '../with-daemon.js';
import type { Copy } from './copy.js';

/** A daemon that dies three times over the same files does not die by chance. */
const MAX_TRIES = 3;

interface Work {
  readonly copy: Copy;
  readonly source: ImageFile;
  /** Where the chain holds data, ascending. */
  readonly ranges: readonly DataRange[];
}

/** Fills the file, whose name is ours, with what the source shows. Not durable yet. Throws CommandProblem, or CommandCancelled. */
export async function writeCopy(work: Work, context: CommandContext): Promise<void> {
  const { path, chain } = work.copy;
  for (let tries = 1; ; tries += 1) {
    await writeEmptyImage(path, work.source);
    try {
      const daemon = await withDaemon(context, async (started) => {
        await started.openChain(chain, -1);
        await started.openCopy(path);
        await runCopy(work, started, context);
        await started.settleCopy();
      });
      await daemon.close();
      return;
    } catch (error) {
      if (!(error instanceof QmpLost) || tries >= MAX_TRIES) throw problemOf(error, work.copy);
      context.log.warn({ err: error, tries }, 'the storage daemon ended in the middle of a copy; it is begun again');
    }
  }
}

async function runCopy({ copy, ranges }: Work, daemon: StorageDaemon, context: CommandContext): Promise<void> {
  const { target, bytesPerSecond } = copy.body;
  const bytesTotal = bytesOf(ranges);
  if (context.cancelled.aborted) throw new CommandCancelled('NOTHING');
  context.progress('COPY_DATA', 'RUNNING', { target, bytesDone: 0, bytesTotal });
  // The job counts its way over the disk, whether there is anything to copy or not.
  const onProgress = (position: number) => {
    const bytesDone = bytesBelow(ranges, position);
    context.progress('COPY_DATA', 'RUNNING', { target, bytesDone, bytesTotal });
    if (bytesDone > 0 && bytesDone < bytesTotal) context.crash('copy-layer/copying');
  };
  const argument = { device: layerNode(0), target: COPY_NODE, sync: 'full', speed: bytesPerSecond ?? 0 };
  const end = await runJob(daemon, { command: 'blockdev-backup', argument, cancelled: context.cancelled, onProgress });
  if (end.kind === 'done') return context.progress('COPY_DATA', 'SUCCEEDED', { target, bytesDone: bytesTotal, bytesTotal });
  context.progress('COPY_DATA', 'FAILED', { target });
  throw end.kind === 'cancelled' ? new CommandCancelled('NOTHING') : storageError(copy.path, new Error(end.error));
}

function problemOf(error: unknown, { path, chain }: Copy): unknown {
  if (error instanceof QmpRefusal && isLockRefusal(error.message)) return openElsewhere(chain[0]?.path ?? path, error);
  return error instanceof QmpRefusal || error instanceof QmpLost ? storageError(path, error) : error;
}
