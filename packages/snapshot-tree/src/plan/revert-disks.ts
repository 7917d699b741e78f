import { BrokenForest, type VolumeHead } from '../model/layer-forest.js';
import type { RevertObstacle, RevertRequest, SnapshotDisk } from './revert-plan.js';

/** A volume's head while it is attached. */
type AttachedHead = VolumeHead & { target: string };

/** What becomes of every disk of the machine and of the snapshot. */
export type DiskSet = {
  /** Detached now, in the snapshot: come back. */
  attaches: SnapshotDisk[];
  /** Attached now, and not when the snapshot was taken; or in the place of a disk that comes back. Kept as volumes, never discarded. */
  detaches: AttachedHead[];
  /** Attached, and none of the snapshot's business. */
  keeps: AttachedHead[];
  /** The present heads, as a safety snapshot pins them. */
  safetyPins: SnapshotDisk[];
  /** Disks that come back and whose present head fits into no safety snapshot, because another disk has their target now. */
  lost: SnapshotDisk[];
};

/**
 * The disk-set rules of domain.md, Revert, and kvm.md §4.3. Volumes are matched by id, never by target:
 *
 *   in both                        a fresh head, under the target that it had then
 *   in the snapshot, detached now  comes back over a fresh head, if it is free
 *   attached now, not then         detached and kept; in a snapshot of a subset it stays as it is
 *   same target, other volume      both of the above
 */
export function diskSetOf(request: RevertRequest): { ok: true; value: DiskSet } | { ok: false; obstacles: RevertObstacle[] } {
  const { snapshot, heads } = request;
  if (snapshot.isSubset && snapshot.kind === 'DISK_AND_MEMORY') {
    throw new BrokenForest(`snapshot ${snapshot.id} has memory and not every disk: the memory cannot run on with the others`);
  }
  const obstacles = obstaclesOf(request);
  if (obstacles.length > 0) return { ok: false, obstacles };
  const attached = heads.flatMap((head) => (head.target === null ? [] : [{ ...head, target: head.target }]));
  const isIn = new Set(snapshot.disks.map((disk) => disk.volumeId));
  const targetsThen = new Set(snapshot.disks.map((disk) => disk.target));
  const others = attached.filter((head) => !isIn.has(head.volumeId));
  const stays = (head: AttachedHead) => snapshot.isSubset && !targetsThen.has(head.target);
  const attaches = snapshot.disks.filter((disk) => !attached.some((head) => head.volumeId === disk.volumeId));
  const targetsNow = new Set(attached.map((head) => head.target));
  const comeBackSafely = attaches.filter((disk) => !targetsNow.has(disk.target));
  const headOf = (volumeId: string) => heads.find((head) => head.volumeId === volumeId)?.headLayerId;
  return {
    ok: true,
    value: {
      attaches,
      detaches: others.filter((head) => !stays(head)),
      keeps: others.filter(stays),
      safetyPins: [
        ...attached.map(({ volumeId, target, headLayerId }) => ({ volumeId, target, layerId: headLayerId })),
        ...comeBackSafely.map((disk) => ({ ...disk, layerId: headOf(disk.volumeId) ?? disk.layerId })),
      ],
      lost: attaches.filter((disk) => !comeBackSafely.includes(disk)),
    },
  };
}

/** Everything that stands in the way at once, so that people see it before they try. */
function obstaclesOf(request: RevertRequest): RevertObstacle[] {
  const { snapshot, heads, forest, unavailable } = request;
  if (snapshot.disks.length === 0) return [{ code: 'NO_DISKS', volumeId: null, message: 'The snapshot holds no disk.' }];
  return snapshot.disks.flatMap(({ volumeId, target, layerId }): RevertObstacle[] => {
    if (unavailable.get(volumeId) === 'ATTACHED_ELSEWHERE') {
      const message = `The disk ${target} of the snapshot is attached to another machine now. Detach it there first.`;
      return [{ code: 'VOLUME_ELSEWHERE', volumeId, message }];
    }
    if (unavailable.has(volumeId) || !heads.some((head) => head.volumeId === volumeId)) {
      return [{ code: 'VOLUME_GONE', volumeId, message: `The disk ${target} of the snapshot does not exist any more.` }];
    }
    if (!forest.layer(layerId).isSpoiled) return [];
    const message = `A merge into the layer of ${target} was stopped half way. Delete the snapshot to finish it.`;
    return [{ code: 'LAYER_SPOILED', volumeId, message }];
  });
}
