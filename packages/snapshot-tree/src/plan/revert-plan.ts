import type { VmSnapshotState } from '../lifecycle/vm-snapshot.js';
import type { LayerForest, Pin, VolumeHead } from '../model/layer-forest.js';
import type { VmSnapshotKind } from './delete-plan.js';
import type { Plan } from './plan.js';

/** One disk of a snapshot: the volume, where it was, and the frozen layer that holds its content. */
export type SnapshotDisk = { volumeId: string; target: string; layerId: string };

/** A VM snapshot as planRevert sees it. */
export type RevertibleSnapshot = {
  id: string;
  kind: VmSnapshotKind;
  state: VmSnapshotState;
  disks: readonly SnapshotDisk[];
  /** It has some of the disks that the machine had, not all: only these are exchanged by a revert. */
  isSubset: boolean;
};

/** What planRevert looks at. */
export type RevertRequest = {
  forest: LayerForest;
  snapshot: RevertibleSnapshot;
  /** Volumes that are attached to the machine, or detached and free (target null); none of another machine. */
  heads: readonly VolumeHead[];
  /** Of every machine in the forest. */
  pins: readonly Pin[];
  /** Disks of the snapshot that cannot come back, and why; a volume that is in neither this nor `heads` is gone. */
  unavailable: ReadonlyMap<string, 'GONE' | 'ATTACHED_ELSEWHERE'>;
  power: 'ON' | 'PAUSED' | 'OFF';
  /** Keep what would be abandoned as a snapshot of its own. */
  snapshotFirst: boolean;
  /** Start the machine after a DISK revert; a DISK_AND_MEMORY revert always ends running. */
  start: boolean;
  /** libvirt holds a managed save of the machine; it would run the old disks at the next start. */
  hasManagedSave: boolean;
  chainLimit: number;
};

/** A fresh head over a frozen layer. `target` null: the volume is detached and stays or becomes so. */
export type NewHead = { volumeId: string; target: string | null; overLayerId: string; newFileName: string; virtualBytes: number };

/** What reverting does. No byte moves; merges that it makes possible are work of their own. */
export type RevertPlan = {
  plan: Plan;
  /** In order of target. */
  newHeads: NewHead[];
  /** Layers that nothing reads once the new heads are recorded, each after those over it. */
  abandoned: string[];
  /** Volumes that leave the machine and are kept. */
  detaches: string[];
  /** Volumes that come back, with their targets in newHeads. */
  attaches: string[];
  /** What the safety snapshot pins: the heads as they are now. Null without snapshotFirst. */
  safetyPins: SnapshotDisk[] | null;
  /** Attached volumes that go on with their present head, under their present target. */
  keeps: string[];
  endsRunning: boolean;
};

/** One reason why a snapshot cannot be reverted to, in words that end up in `actions`. */
export type RevertObstacle = {
  code: 'VOLUME_GONE' | 'VOLUME_ELSEWHERE' | 'LAYER_SPOILED' | 'NO_DISKS';
  volumeId: string | null;
  message: string;
};

/** Why it cannot be planned. */
export type RevertRefusal =
  | { code: 'SNAPSHOT_STATE'; state: VmSnapshotState }
  | { code: 'NOT_REVERTIBLE'; obstacles: RevertObstacle[] }
  | { code: 'CHAIN_TOO_LONG'; volumeId: string; target: string; length: number; limit: number };
