import { fileName, poolName } from '@coppice/protocol';
import { z } from 'zod';

/** What an operation flattenVolume keeps (operation.plan). */
export const flattenRecord = z.object({
  volumeId: z.guid(),
  keepTemplate: z.boolean(),
  layerId: z.uuid(),
  /** What is below the head afterwards; null: nothing. */
  keptBackingId: z.uuid().nullable(),
  /** Layers that nothing reads afterwards, each after those over it. */
  garbage: z.array(z.object({ layerId: z.uuid(), volumeId: z.guid(), pool: poolName, fileName })),
});

export type FlattenRecord = z.infer<typeof flattenRecord>;

/** The mutation's name, and the kind of its operations. */
export const FLATTEN_VOLUME = 'flattenVolume';
