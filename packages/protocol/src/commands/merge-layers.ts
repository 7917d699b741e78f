import { z } from 'zod';
import { count, diskTarget, uuid } from '../scalars.js';
import { chainLink } from './create-layers.js';
import { dataMap } from '../inventory/data-map.js';

/**
 * Makes one file of a run of layers that follow each other: `chain[0]` (the reader, C) down to `chain[runLength - 1]`. The file that stays
 * is `chain[into]`: what is above it in the run is committed into it as one job, what is below is pulled into it. Afterwards its backing
 * layer is `chain[runLength]` (none: it stands alone), everything that read `chain[0]` reads it, and the other files of the run are read by
 * nobody; discard-layers removes them later.
 *
 * Steps, each journalled: check the chain; `spoils` noted before the first byte of a commit; copy; re-point `readers` by rebase -u; switch the
 * definition where chain[0] was the head of a stopped machine; look at the disk. Until the first re-pointing the view of chain[0] is
 * whole in the old files; from it on only forward is legal.
 *
 * Repeats: whatever the journal and the headers say is done is not done again; a copy that was interrupted is made again from its start.
 * Cancelled while copying: outcome `cancelled`, `left` says what the target is worth. Cancelled later: it is finished.
 */
export const mergeLayers = z.object({
  verb: z.literal('merge-layers'),
  machineUuid: uuid,
  volumeId: uuid,
  /** LIVE: by a block job of the machine's QEMU (pull into its head, or commit inside its chain). OFFLINE: by qemu-storage-daemon. */
  how: z.enum(['LIVE', 'OFFLINE']),
  /** The machine's disk if the chain from its head goes through this run; null for a branch that the machine is not on. */
  target: diskTarget.nullable(),
  /** All layers from the machine's head to the reader, head first, without the reader; empty where the reader is the head or `target` is null. */
  above: z.array(chainLink).max(256),
  /** From the reader down to the root. */
  chain: z.array(chainLink).min(2).max(256),
  runLength: count.min(2),
  into: count,
  /** Layers written directly over the reader, in any branch; re-pointed if the reader does not stay. QEMU re-points the one in its own chain. */
  readers: z.array(chainLink).max(256),
  /** Bytes a second; null: as fast as it goes. */
  bytesPerSecond: count.nullable(),
});

/** What mergeLayers answers. */
export const mergeLayersResult = z.object({
  verb: z.literal('merge-layers'),
  /** Bytes that the jobs copied, as QEMU counted them. */
  bytesMoved: count,
  /** The file that stays. */
  allocatedBytes: count,
  virtualBytes: count,
  dataMap,
});
