import { chainLink, diskTarget, layerFileName, poolName, snapshotFile } from '@coppice/protocol';
import { z } from 'zod';

/** What an operation revertToVmSnapshot keeps (operation.plan): all that its later commands and turning points need. */
export const revertRecord = z.object({
  snapshotId: z.uuid(),
  /** Keeps what is left; null without snapshotFirst. */
  safetySnapshotId: z.uuid().nullable(),
  machineUuid: z.guid(),
  power: z.enum(['ON', 'PAUSED', 'OFF']),
  start: z.boolean(),
  /** Every disk that is attached now. */
  before: z.array(z.object({ volumeId: z.guid(), target: diskTarget, head: chainLink })),
  /** Fresh heads. `target`: where the disk is afterwards; null: it is detached. */
  volumes: z.array(
    z.object({
      volumeId: z.guid(),
      target: diskTarget.nullable(),
      /** Where it is now, or will be: what create-layers calls it. */
      knownAs: diskTarget,
      pool: poolName,
      over: z.enum(['HEAD', 'FROZEN']),
      newLayerId: z.uuid(),
      newFileName: layerFileName,
      virtualBytes: z.int(),
      /** What it is over, that first. */
      chain: z.array(chainLink).min(1),
    }),
  ),
  keptTargets: z.array(diskTarget),
  /** Volumes that leave the machine and are kept. */
  detaches: z.array(z.guid()),
  /** Old heads that the safety snapshot pins: frozen from the switch on. */
  frozenLayerIds: z.array(z.uuid()),
  /** Layers that nothing reads after the switch, each after those over it. */
  abandoned: z.array(z.object({ layerId: z.uuid(), volumeId: z.guid(), pool: poolName, fileName: layerFileName })),
  memory: snapshotFile.nullable(),
  nvram: snapshotFile.nullable(),
});

export type RevertRecord = z.infer<typeof revertRecord>;

/** The mutation's name, and the kind of its operations. */
export const REVERT_TO_VM_SNAPSHOT = 'revertToVmSnapshot';
