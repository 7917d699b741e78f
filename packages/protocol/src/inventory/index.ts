/** What a host has: domains, disks, chains, pools. Looked up by the agent itself, by headers and never by probing formats. */
import { z } from 'zod';
import { count, diskTarget, timestamp, uuid } from '../scalars.js';

export { dataMap } from './data-map.js';
export * from './measure.js';

/** One image file of a chain, head first. `pool` is null where the file lies in none of the agent's pools. */
export const inventoryLayer = z.object({
  pool: z.string().nullable(),
  /** Relative to the pool, or the whole path where there is no pool. */
  fileName: z.string().max(4096),
  format: z.string().max(32),
  virtualBytes: count,
  allocatedBytes: count,
  internalSnapshots: count,
});

/** One disk of a domain that has a file; empty drives are left out. */
export const inventoryDisk = z.object({
  target: diskTarget,
  device: z.enum(['disk', 'cdrom', 'floppy', 'lun']),
  readOnly: z.boolean(),
  serial: z.string().nullable(),
  /** Head first. In order of the definition in force: live where running, persistent where not. */
  chain: z.array(inventoryLayer).max(256),
  /** Source of the persistent definition where it differs from the live one; null where it is the same. */
  persistentFileName: z.string().nullable(),
  /** Why the chain could not be read to its end; null where it was. */
  problem: z.string().max(1000).nullable(),
});

/** One domain. */
export const inventoryMachine = z.object({
  uuid,
  name: z.string().max(256),
  power: z.enum(['ON', 'OFF', 'PAUSED', 'UNKNOWN']),
  persistent: z.boolean(),
  autostart: z.boolean(),
  vcpus: count,
  memoryBytes: count,
  guestAgent: z.enum(['CONNECTED', 'DISCONNECTED', 'NOT_CONFIGURED']),
  hasManagedSave: z.boolean(),
  /** libvirt's own snapshot objects (metadata); more than none makes the machine drifted. */
  libvirtSnapshots: z.array(z.string().max(256)).max(1000),
  checkpoints: z.array(z.string().max(256)).max(1000),
  disks: z.array(inventoryDisk).max(64),
});

/** Agent → API: one machine as it is. Sent for all after the hello, and for one when libvirt says that it changed. */
export const machineSeen = z.object({
  type: z.literal('inventory.machine-seen'),
  /** Position of the journal when it was taken: the API ignores it beside an active operation or a later result. */
  position: count,
  takenAt: timestamp,
  machine: inventoryMachine,
});

/** Agent → API: all pools of the configuration. */
export const poolsSeen = z.object({
  type: z.literal('inventory.pools-seen'),
  pools: z
    .array(
      z.object({
        name: z.string().min(1).max(128),
        type: z.enum(['LOCAL', 'NFS', 'SHARED_MOUNT_POINT', 'CLVM', 'RBD']),
        capacityBytes: count.nullable(),
        availableBytes: count.nullable(),
        /** Why nothing can be done there; null where it can. */
        problem: z.string().max(1000).nullable(),
      }),
    )
    .max(64),
});

/** Agent → API: every machine has been sent; those of the host that are not named are gone from it. */
export const inventoryCompleted = z.object({
  type: z.literal('inventory.completed'),
  position: count,
  machineUuids: z.array(uuid).max(10_000),
});

export type InventoryMachine = z.infer<typeof inventoryMachine>;
export type InventoryDisk = z.infer<typeof inventoryDisk>;
export type InventoryLayer = z.infer<typeof inventoryLayer>;
