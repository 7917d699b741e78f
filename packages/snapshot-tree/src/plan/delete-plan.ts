import type { VmSnapshotState } from '../lifecycle/vm-snapshot.js';
import type { MachineHead } from '../model/forest-record.js';
import type { LayerForest, Pin } from '../model/layer-forest.js';
import type { Merge } from './merge.js';
import type { Plan } from './plan.js';

/** The contract's VmSnapshotKind. */
export type VmSnapshotKind = 'DISK' | 'DISK_AND_MEMORY';

/** A VM snapshot as planDelete sees it. */
export type DeletableSnapshot = {
  id: string;
  parentId: string | null;
  state: VmSnapshotState;
  isLocked: boolean;
  kind: VmSnapshotKind;
  /** What its memory image occupies; null: none, or unknown. */
  memoryBytes: number | null;
};

/** Which are to go: named ones (with everything that grew from them), or whatever is cheapest that frees so many bytes. */
export type Doomed = { snapshotIds: readonly string[]; withDescendants: boolean } | { freeBytes: number };

/** What planDelete looks at. */
export type DeleteRequest = {
  /** Every layer with a file that a root of this machine or of a clone reads, or that waits to be discarded. */
  forest: LayerForest;
  /** All of the machine that are not REMOVED, parents in any order; oldest first where age is to count. */
  snapshots: readonly DeletableSnapshot[];
  currentSnapshotId: string | null;
  /** Of every machine in the forest. */
  pins: readonly Pin[];
  heads: readonly MachineHead[];
  doomed: Doomed;
  /** Volumes with a checkpoint: nothing is committed into their raw base, which has no place for a bitmap. */
  checkpointedVolumeIds: ReadonlySet<string>;
  /** The running machines whose QEMU this operation may ask to merge; all of them where not given. */
  liveMachineIds?: ReadonlySet<string>;
  /** From how many bytes on a head over a layer at rest is merged down while it runs; REST_LIMIT_BYTES where not given. */
  restLimitBytes?: number;
};

/** Why a merge is not done now. */
export type DeferralReason =
  /** Two or more running machines have the layers open: no one of them may change the files. */
  | 'OPEN_IN_SEVERAL_MACHINES'
  /** A running machine that this operation may not command has the layers open: a clone, mostly. */
  | 'OPEN_IN_ANOTHER_MACHINE'
  /** Each legal way moves more than DEFER_FACTOR times what it moves once the machine is stopped. */
  | 'CHEAPER_WHEN_STOPPED'
  /** No way is legal while the machine runs. */
  | 'NOT_WHILE_RUNNING'
  /** One layer under a live head, unread by any snapshot: it waits until the machine stops or the head has grown. */
  | 'AT_REST'
  /** A layer is smaller than the one below it, which no rule of ours makes: merging would show what its end hides. */
  | 'SIZE_SHRINKS';

/** Layers, bottom first, that would be one if it were possible or cheap now. */
export type Deferral = { layerIds: string[]; why: DeferralReason };

/** What deleting does, in the order: the tree (names and pins, at once), merges one by one, discards. */
export type DeletePlan = {
  plan: Plan;
  /** Snapshots that leave the tree, parents first. */
  doomed: string[];
  /** Survivors with a new parent. */
  reparented: { snapshotId: string; parentId: string | null }[];
  /** The machine's current snapshot afterwards. */
  currentSnapshotId: string | null;
  /** In order; each one's ids are those of the record after the ones before it. */
  merges: Merge[];
  /** Layers whose files go after all merges, each after those over it. */
  discards: string[];
  /** Unpinned layers that two or more branches still read. */
  retained: string[];
  deferred: Deferral[];
  /** Doomed snapshots that have a memory image. */
  memoryOf: string[];
};

/** Why it cannot be planned. `freeableBytes`: what deleting everything that is not locked would free. */
export type DeleteRefusal =
  | { code: 'NOT_IN_TREE'; snapshotId: string }
  | { code: 'SNAPSHOT_LOCKED'; snapshotId: string }
  | { code: 'SNAPSHOT_STATE'; snapshotId: string; state: VmSnapshotState }
  | { code: 'NOTHING_TO_FREE'; freeableBytes: number };
