import { chainLink, copyFileName, diskTarget, layerFileName, poolName } from '@coppice/protocol';
import { z } from 'zod';

/** What an operation createVolumeSnapshot keeps (operation.plan): all that its commands and turning points need. */
export const createRecord = z.object({
  volumeSnapshotId: z.uuid(),
  machineUuid: z.guid(),
  volumeId: z.guid(),
  power: z.enum(['ON', 'PAUSED', 'OFF']),
  quiesce: z.boolean(),
  /** The disk of a stopped machine whose head is copied; null: a frozen layer is. */
  headTarget: diskTarget.nullable(),
  /** The head that is frozen first, under a new one; null: what is copied is at rest already. */
  freeze: z
    .object({
      target: diskTarget,
      pool: poolName,
      frozenLayerId: z.uuid(),
      newLayerId: z.uuid(),
      newFileName: layerFileName,
      virtualBytes: z.int(),
    })
    .nullable(),
  /** What is copied, head first. */
  chain: z.array(chainLink).min(1),
  to: z.object({ pool: poolName, fileName: copyFileName }),
});

export type CreateRecord = z.infer<typeof createRecord>;

/** The mutation's name, and the kind of its operations. */
export const CREATE_VOLUME_SNAPSHOT = 'createVolumeSnapshot';
