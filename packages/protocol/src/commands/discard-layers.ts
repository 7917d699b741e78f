import { z } from 'zod';
import { layerFileName, poolName, uuid } from '../scalars.js';

/**
 * Removes layer files that nothing reads any more. The agent removes a file only if it made it (its journal says so) or it is named
 * exactly here by a volume that it knows, it is a regular file with one link inside the pool, and no definition, live or persistent,
 * and no other layer of the pool's volume names it. A file that is already gone is success.
 */
export const discardLayers = z.object({
  verb: z.literal('discard-layers'),
  machineUuid: uuid,
  layers: z
    .array(z.object({ volumeId: uuid, pool: poolName, fileName: layerFileName }))
    .min(1)
    .max(256),
});

/** What discardLayers answers. */
export const discardLayersResult = z.object({ verb: z.literal('discard-layers'), discarded: z.array(z.string()) });
