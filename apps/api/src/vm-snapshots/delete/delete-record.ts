import { fileName, poolName, snapshotFile } from '@coppice/protocol';
import { z } from 'zod';

/** A file that goes at the end. */
const garbage = z.object({ layerId: z.uuid(), volumeId: z.guid(), pool: poolName, fileName });

/** One merge, by the ids of its layers as they are when it begins. */
const merge = z.object({
  /** Bottom first; the last is the reader. */
  layerIds: z.array(z.uuid()).min(2),
  targetId: z.uuid(),
  /** The empty head that is put over a running machine's head first; null: not needed. */
  thickening: z.object({ volumeId: z.guid(), layerId: z.uuid() }).nullable(),
  /** Layers that nothing reads after it. */
  garbage: z.array(garbage),
  /** It may leave the target as spoiled as it was. */
  leavesHead: z.boolean(),
  /** What an earlier try had left of the target. */
  before: z.enum(['NONE', 'SPOILED', 'REPOINTED']).default('NONE'),
});

/** What a stage of the program is for, by its place. */
const part = z.object({ does: z.enum(['MAKE_HEAD', 'FREEZE_HEAD', 'MERGE', 'DISCARD']), merge: z.int().nonnegative().nullable() });

/** What an operation that takes snapshots or layers away keeps (operation.plan): all that its turning points need. */
export const deleteRecord = z.object({
  /** Snapshots that go, parents first, with what they were before. Empty: only layers are put in order. */
  doomed: z.array(z.object({ snapshotId: z.uuid(), was: z.enum(['READY', 'ERROR']) })),
  reparented: z.array(z.object({ snapshotId: z.uuid(), parentId: z.uuid().nullable() })),
  /** The machine's current snapshot afterwards. */
  currentSnapshotId: z.uuid().nullable(),
  /** Layers that nothing reads once the snapshots have left the tree. */
  unread: z.array(garbage),
  merges: z.array(merge),
  parts: z.array(part),
  snapshotFiles: z.array(snapshotFile),
});

export type DeleteRecord = z.infer<typeof deleteRecord>;
export type MergeRecord = DeleteRecord['merges'][number];

/** The mutation's name, and the kind of its operations. */
export const DELETE_VM_SNAPSHOTS = 'deleteVmSnapshots';
/** The system's own work: merges that were deferred, and files that could not be removed before. */
export const CONSOLIDATE = 'consolidateVirtualMachine';
