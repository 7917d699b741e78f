import { z } from 'zod';
import { count, diskTarget, layerFileName, poolName, snapshotFile, timestamp, uuid } from '../scalars.js';
import { chainLink } from './create-layers.js';

/**
 * Freezes the heads of the given volumes in one atomic act and makes the overlays of create-layers the new heads: running by one
 * libvirt snapshot without metadata, stopped by one `define` (kvm.md §2). Disks that are not named stay as they are.
 *
 * Repeats: it looks at the machine first. Already switched → rolls forward (definition, thaw, check) and answers the same result.
 * Not switched and not expired → freezes anew, with a new quiesce. Half of it is impossible while running, and repaired while stopped.
 */
export const freezeLayers = z.object({
  verb: z.literal('freeze-layers'),
  machineUuid: uuid,
  /** What the planner saw. If the machine is otherwise now, the answer is MACHINE_STATE and nothing has changed. */
  power: z.enum(['ON', 'PAUSED', 'OFF']),
  /** Null: no quiesce. Else the guest's file systems are frozen through its agent and thawed at the latest after deadlineMs. */
  quiesce: z.object({ deadlineMs: count.min(1000).max(60_000) }).nullable(),
  /** Save the memory of the running guest into this file at the same moment, the guest going on meanwhile. Never with quiesce. */
  memory: snapshotFile.nullable().default(null),
  /** Where to keep a copy of the machine's NVRAM, if it has one; null: do not. */
  nvram: snapshotFile.nullable().default(null),
  volumes: z
    .array(
      z.object({
        volumeId: uuid,
        target: diskTarget,
        pool: poolName,
        newFileName: layerFileName,
        /** The chain before the act, head first; the head is what gets frozen. */
        chain: z.array(chainLink).min(1).max(256),
      }),
    )
    .min(1)
    .max(64),
});

/** What the domain was when it was frozen; kept with the snapshot. Secrets stay inside (dumpxml --security-info). */
export const machineDefinition = z.object({
  vcpus: count,
  memoryBytes: count,
  machineType: z.string().nullable(),
  firmware: z.string().nullable(),
  disks: z.array(z.string()),
  /** Persistent definition, without any `<backingStore>`, with the sources of before the act. */
  inactiveXml: z.string(),
  /** Live (migratable) definition, likewise; null where it was off. */
  liveXml: z.string().nullable(),
});

/** What freezeLayers answers, after it has looked at the disk: chain as planned, backing files there, definition names the new heads. */
export const freezeLayersResult = z.object({
  verb: z.literal('freeze-layers'),
  consistency: z.enum(['CRASH', 'FILESYSTEM', 'MEMORY', 'OFFLINE']),
  frozenAt: timestamp,
  /** How long the guest's file systems were frozen, in milliseconds; null without quiesce, or when a repeat could not know. */
  quiescedMs: z.number().nonnegative().nullable(),
  definition: machineDefinition,
  /** Size on disk of the saved memory; null without. */
  memoryBytes: count.nullable().default(null),
  /** A copy of the NVRAM was kept; false where the machine has none. */
  hasNvram: z.boolean().default(false),
  volumes: z.array(
    z.object({
      volumeId: uuid,
      frozen: z.object({ fileName: z.string(), allocatedBytes: count }),
      head: z.object({ fileName: z.string(), allocatedBytes: count }),
    }),
  ),
});
