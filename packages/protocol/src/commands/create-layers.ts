import { z } from 'zod';
import { count, diskTarget, fileName, imageFormat, layerFileName, poolName, uuid } from '../scalars.js';

/** One layer of an expected chain, head first. */
export const chainLink = z.object({ pool: poolName, fileName, format: imageFormat });

/**
 * Makes empty overlays, each over the layer that is the volume's head now, so that names, relative backing names and cluster sizes are
 * ours and are journalled before anything else happens (kvm.md §2.1). Idempotent: a file of that name that this command made is kept
 * while it is empty; any other file of that name is refused (IO_ERROR) and left alone. On a failure the files it made are removed.
 */
export const createLayers = z.object({
  verb: z.literal('create-layers'),
  machineUuid: uuid,
  volumes: z
    .array(
      z.object({
        volumeId: uuid,
        target: diskTarget,
        pool: poolName,
        newFileName: layerFileName,
        virtualBytes: count,
        /** The chain that must be there, head first; its first link becomes the backing layer. Checked before acting. */
        chain: z.array(chainLink).min(1).max(256),
      }),
    )
    .min(1)
    .max(64),
});

/** What createLayers answers. */
export const createLayersResult = z.object({
  verb: z.literal('create-layers'),
  layers: z.array(z.object({ volumeId: uuid, fileName: layerFileName, allocatedBytes: count })),
});
