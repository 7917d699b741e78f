import { chainLink, diskTarget, layerFileName, poolName, snapshotFile } from '@coppice/protocol';
import { z } from 'zod';

/** What an operation createVmSnapshot keeps (operation.plan): all that its later commands and turning points need. */
export const createRecord = z.object({
  snapshotId: z.uuid(),
  machineUuid: z.guid(),
  power: z.enum(['ON', 'PAUSED', 'OFF']),
  /** Freeze the guest: asked for, and the machine was on. */
  quiesce: z.boolean(),
  /** Where the memory goes; null: the snapshot is of kind DISK. */
  memory: snapshotFile.nullable().default(null),
  /** Where a copy of the NVRAM goes, if the machine has one. */
  nvram: snapshotFile.nullable().default(null),
  /** The machine has disks that were not chosen. */
  isSubset: z.boolean().default(false),
  volumes: z.array(
    z.object({
      volumeId: z.guid(),
      target: diskTarget,
      pool: poolName,
      frozenLayerId: z.uuid(),
      newLayerId: z.uuid(),
      newFileName: layerFileName,
      virtualBytes: z.int(),
      /** Before the act, head first. */
      chain: z.array(chainLink).min(1),
    }),
  ),
});

export type CreateRecord = z.infer<typeof createRecord>;

/** The mutation's name, and the kind of its operations. */
export const CREATE_VM_SNAPSHOT = 'createVmSnapshot';
