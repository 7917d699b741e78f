import { z } from 'zod';
import { count, diskTarget, layerFileName, poolName, snapshotFile, timestamp, uuid } from '../scalars.js';
import { chainLink } from './create-layers.js';
import { machineDefinition } from './freeze-layers.js';

/**
 * Reverts a machine to layers that are there already: stops it if it runs, removes a managed save image, defines it anew, then restores
 * its memory or starts it. The definition is what is switched, by one `define`: before it the machine is what it was, after it only
 * forward is legal. Moves no bytes and removes no layer.
 *
 * Repeats: it looks first. The definition names the new heads → goes on behind it: a machine that runs already is not restored again
 * (its new heads have clusters of their own). It does not → from the start. A failure before the definition switched starts the machine
 * again if this command stopped it.
 */
export const switchHeads = z.object({
  verb: z.literal('switch-heads'),
  machineUuid: uuid,
  /** What the planner saw. If the machine is otherwise now and this command did not stop it: MACHINE_STATE, nothing changed. */
  power: z.enum(['ON', 'PAUSED', 'OFF']),
  /** The machine's heads now, by target: drift if they are others. */
  before: z.array(z.object({ volumeId: uuid, target: diskTarget, head: chainLink })).max(64),
  /** The persistent definition to define, as freeze-layers answered it; null: keep the machine's own and switch the named disks only. */
  inactiveXml: z.string().nullable(),
  /** Disks on new heads: all are checked against their chain (new head first) before the machine is stopped. */
  volumes: z
    .array(
      z.object({
        volumeId: uuid,
        target: diskTarget,
        pool: poolName,
        newFileName: layerFileName,
        /** The chain after the act, the new head first. */
        chain: z.array(chainLink).min(1).max(256),
      }),
    )
    .max(64),
  /** Disks of the present definition that stay attached as they are, whatever `inactiveXml` says of their target. */
  keptTargets: z.array(diskTarget).max(64),
  /** Restore this memory over the new heads; `liveXml` as freeze-layers answered it. The machine ends running. */
  memory: z.object({ file: snapshotFile, liveXml: z.string() }).nullable(),
  /** Put this copy back as the machine's NVRAM. */
  nvram: snapshotFile.nullable(),
  /** Start it afterwards; with memory it runs anyway. */
  start: z.boolean(),
});

/** What switchHeads answers, after it has looked: definition and, if it runs, live chain name the new heads. */
export const switchHeadsResult = z.object({
  verb: z.literal('switch-heads'),
  power: z.enum(['ON', 'PAUSED', 'OFF']),
  switchedAt: timestamp,
  /** The machine as it is defined now. */
  definition: machineDefinition,
  /** The machine as it was when it was stopped, for the safety snapshot. */
  definitionBefore: machineDefinition,
  volumes: z.array(z.object({ volumeId: uuid, allocatedBytes: count })),
});
