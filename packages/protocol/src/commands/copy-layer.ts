import { z } from 'zod';
import { copyFileName, count, diskTarget, poolName, sha256, uuid } from '../scalars.js';
import { chainLink } from './create-layers.js';

/**
 * Copies what a layer shows, all of its chain together, into a new qcow2 file that stands alone. Nothing that is there is changed. The layer
 * must be at rest: frozen, or the head of a stopped machine or of a detached volume.
 *
 * Steps, each journalled: check chain and rest; the new name noted before it is taken; copy; flush of file and folder; checksum. On a failure,
 * and when it is cancelled before its end, the new file is removed.
 *
 * Repeats: a copy whose end is journalled is not made again, any other from its start. A file of that name that this command did not make is
 * refused (IO_ERROR) and left alone.
 */
export const copyLayer = z.object({
  verb: z.literal('copy-layer'),
  machineUuid: uuid,
  volumeId: uuid,
  /** The disk of the machine whose head `chain[0]` is: it must be off. Null: no definition is on that layer, and no process writes it. */
  target: diskTarget.nullable(),
  /** From the layer whose view is copied down to the root. */
  chain: z.array(chainLink).min(1).max(256),
  /** Where the copy goes: a volume snapshot, a template, or the first layer of a new volume. */
  to: z.object({ pool: poolName, fileName: copyFileName }),
  /** Bytes a second of the way over the disk, holes included; null: as fast as it goes. */
  bytesPerSecond: count.nullable(),
});

/** What copyLayer answers. */
export const copyLayerResult = z.object({
  verb: z.literal('copy-layer'),
  virtualBytes: count,
  /** Of the new file, on disk. */
  allocatedBytes: count,
  /** Bytes of data that the chain showed. */
  bytesMoved: count,
  /** Of the new file, byte for byte as it was written. */
  sha256,
});
