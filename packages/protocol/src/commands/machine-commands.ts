/** Steps that change a machine without touching its tree. Each looks first: what is already as asked is success. */
import { z } from 'zod';
import { count, diskTarget, uuid } from '../scalars.js';
import { chainLink } from './create-layers.js';
import { machineDefinition } from './freeze-layers.js';

/** Disks that the definition must be on, by target and head, before anything is done; else MACHINE_DRIFTED. */
const expectedDisks = z.array(z.object({ target: diskTarget, chain: z.array(chainLink).min(1).max(256) })).max(64);

/** Starts a machine, or stops it: by asking the guest (`deadlineMs`, then MACHINE_STATE) or at once. */
export const changePower = z.object({
  verb: z.literal('change-power'),
  machineUuid: uuid,
  to: z.enum(['ON', 'OFF']),
  force: z.boolean(),
  deadlineMs: count.max(600_000),
  disks: expectedDisks,
});
export const changePowerResult = z.object({ verb: z.literal('change-power'), power: z.enum(['ON', 'PAUSED', 'OFF']) });

/** vCPUs and memory of the persistent definition; a running machine takes them at its next start. */
export const resizeMachine = z.object({
  verb: z.literal('resize-machine'),
  machineUuid: uuid,
  vcpus: count.min(1).nullable(),
  memoryBytes: count.min(1).nullable(),
});
export const resizeMachineResult = z.object({ verb: z.literal('resize-machine'), definition: machineDefinition });

/** Attaches a volume's head as a virtio disk (live and persistent), or detaches a disk. Its files stay. */
export const changeDisk = z.object({
  verb: z.literal('change-disk'),
  machineUuid: uuid,
  change: z.enum(['ATTACH', 'DETACH']),
  volumeId: uuid,
  target: diskTarget,
  /** The volume's chain, head first. */
  chain: z.array(chainLink).min(1).max(256),
});
export const changeDiskResult = z.object({ verb: z.literal('change-disk'), definition: machineDefinition });

/**
 * Stops the machine at once and takes its definition (with managed save, NVRAM and checkpoints of libvirt) from the host. Files stay: those
 * that nobody reads are discarded afterwards by discard-layers.
 */
export const removeMachine = z.object({ verb: z.literal('remove-machine'), machineUuid: uuid });
export const removeMachineResult = z.object({ verb: z.literal('remove-machine') });

/** Moves a running machine, live, or a stopped one by its definition, to the libvirt at `destinationUri`. Its files are on shared pools. */
export const migrateMachine = z.object({
  verb: z.literal('migrate-machine'),
  machineUuid: uuid,
  destinationUri: z.string().min(1).max(2048),
  disks: expectedDisks,
});
export const migrateMachineResult = z.object({ verb: z.literal('migrate-machine'), power: z.enum(['ON', 'PAUSED', 'OFF']) });

/**
 * Puts the definition right after drift: the named disks are on the given heads, persistent definition and, where it is stopped, nothing
 * else; removes libvirt's snapshot metadata (never its files) and a managed save image if told. Running: only what needs no stop.
 */
export const repairMachine = z.object({
  verb: z.literal('repair-machine'),
  machineUuid: uuid,
  disks: expectedDisks,
  dropLibvirtSnapshots: z.boolean(),
  dropManagedSave: z.boolean(),
});
export const repairMachineResult = z.object({ verb: z.literal('repair-machine'), definition: machineDefinition });

/** Copies what a head reads from below into it, down to `chain[downTo]`, which becomes its backing layer (chain.length: all the way). */
export const flattenLayer = z.object({
  verb: z.literal('flatten-layer'),
  machineUuid: uuid,
  volumeId: uuid,
  target: diskTarget.nullable(),
  chain: z.array(chainLink).min(2).max(256),
  downTo: count.min(1),
  bytesPerSecond: count.nullable(),
});
export const flattenLayerResult = z.object({ verb: z.literal('flatten-layer'), bytesMoved: count, allocatedBytes: count });
