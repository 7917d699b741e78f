import { z } from 'zod';
import { copy } from '../../volumes/copies/copies.js';

/** What an operation cloneVmSnapshot keeps (operation.plan). */
export const cloneRecord = z.object({
  snapshotId: z.uuid(),
  /** The new machine: its id here, and libvirt's UUID. */
  machineId: z.uuid(),
  machineUuid: z.guid(),
  linked: z.boolean(),
  copies: z.array(copy),
});

export type CloneRecord = z.infer<typeof cloneRecord>;

/** The mutation's name, and the kind of its operations. */
export const CLONE_VM_SNAPSHOT = 'cloneVmSnapshot';
