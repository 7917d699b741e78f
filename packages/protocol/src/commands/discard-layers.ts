import { z } from 'zod';
import { fileName, poolName, snapshotFile, uuid } from '../scalars.js';

/**
 * Removes layer files that nothing reads any more. The agent removes a file only if it made it (its journal says so) or it is named
 * exactly here by a volume that it knows, it is a regular file with one link inside the pool, and no definition, live or persistent,
 * and no other layer of the pool's volume names it. A file that is already gone is success.
 */
export const discardLayers = z.object({
  verb: z.literal('discard-layers'),
  machineUuid: uuid,
  layers: z.array(z.object({ volumeId: uuid, pool: poolName, fileName })).max(256),
  /** Memory images and NVRAM copies of snapshots that are gone. Names say whose they are; nothing else is removed by this list. */
  snapshotFiles: z.array(snapshotFile).max(1024).default([]),
});

/** What discardLayers answers. */
export const discardLayersResult = z.object({ verb: z.literal('discard-layers'), discarded: z.array(z.string()) });
