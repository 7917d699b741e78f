import { z } from 'zod';
import { count, diskTarget, fileName, imageFormat, layerFileName, poolName, uuid } from '../scalars.js';

/** One layer of an expected chain, head first. */
export const chainLink = z.object({ pool: poolName, fileName, format: imageFormat });

/**
 * Makes empty overlays, each over the first layer of the chain it names, so that names, backing names and cluster sizes are
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
        /**
         * HEAD: the first link of the chain is what the machine writes now. FROZEN: it is a frozen layer that the new one is to branch off
         * (a revert), whatever the machine writes; the machine may lack the disk.
         */
        over: z.enum(['HEAD', 'FROZEN']).default('HEAD'),
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
