import { parentsFirst } from '../model/snapshot-tree.js';
import type { DeletableSnapshot, DeleteRefusal } from './delete-plan.js';

/** A snapshot in one of these states belongs to the operation that moves it on. */
const OWNED_BY_AN_OPERATION: ReadonlySet<string> = new Set(['ALLOCATED', 'CREATING', 'REVERTING']);

/** Some or all of the named ones, or why not. */
export type Chosen = { ok: true; value: DeletableSnapshot[] } | { ok: false; refusal: DeleteRefusal };

/** The named snapshots, with everything that grew from them if asked, parents first. None may be locked or in the making. */
export function namedSnapshots(
  snapshots: readonly DeletableSnapshot[],
  named: { snapshotIds: readonly string[]; withDescendants: boolean },
): Chosen {
  const chosen = new Set(named.snapshotIds);
  for (const snapshotId of chosen) {
    if (!snapshots.some((snapshot) => snapshot.id === snapshotId)) return { ok: false, refusal: { code: 'NOT_IN_TREE', snapshotId } };
  }
  const ordered = parentsFirst(snapshots);
  for (const snapshot of ordered) {
    if (named.withDescendants && snapshot.parentId !== null && chosen.has(snapshot.parentId)) chosen.add(snapshot.id);
  }
  const doomed = ordered.filter((snapshot) => chosen.has(snapshot.id));
  const locked = doomed.find((snapshot) => snapshot.isLocked);
  if (locked) return { ok: false, refusal: { code: 'SNAPSHOT_LOCKED', snapshotId: locked.id } };
  const owned = doomed.find((snapshot) => OWNED_BY_AN_OPERATION.has(snapshot.state));
  if (owned) return { ok: false, refusal: { code: 'SNAPSHOT_STATE', snapshotId: owned.id, state: owned.state } };
  return { ok: true, value: doomed };
}

/** True where nothing but a request is needed to delete it. */
export function isDeletable(snapshot: DeletableSnapshot): boolean {
  return !snapshot.isLocked && !OWNED_BY_AN_OPERATION.has(snapshot.state);
}

/** The tree once the doomed have left it: survivors move to their nearest surviving ancestor, and so does "you are here". */
export function treeWithout(
  snapshots: readonly DeletableSnapshot[],
  doomed: ReadonlySet<string>,
  currentSnapshotId: string | null,
): { reparented: { snapshotId: string; parentId: string | null }[]; currentSnapshotId: string | null } {
  const parents = new Map(snapshots.map((snapshot) => [snapshot.id, snapshot.parentId]));
  const survivor = (id: string | null) => {
    let at = id;
    while (at !== null && doomed.has(at)) at = parents.get(at) ?? null;
    return at;
  };
  const moved = snapshots.filter((snapshot) => !doomed.has(snapshot.id) && snapshot.parentId !== null && doomed.has(snapshot.parentId));
  return {
    reparented: moved.map((snapshot) => ({ snapshotId: snapshot.id, parentId: survivor(snapshot.parentId) })),
    currentSnapshotId: survivor(currentSnapshotId),
  };
}
