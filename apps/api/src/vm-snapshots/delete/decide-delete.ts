/** Whether snapshots of a machine may go now, and how: pure, so that the same rules answer before and inside the transaction. */
import { type DeletePlan, type DeleteRefusal, type Doomed, LayerForest, planConsolidate, planDelete } from '@coppice/snapshot-tree';
import { done, type Outcome, type Refusal, refused } from '../../errors/refusal.js';
import { checkDrift, checkFree, checkHost, checkResting, checkSpace } from '../../machines/check-machine.js';
import type { MachineFacts } from '../../machines/machine-facts.store.js';
import { assertNever } from '../../platform/assert-never.js';
import { DISK_SNAPSHOT_CAPABILITY } from '../capabilities.js';
import { checkRepointed } from '../check-repointed.js';
import { checkPlanHash, planHashOf, planView } from '../plan-view.js';
import type { DeleteVmSnapshotsRequest } from './delete-vm-snapshots.contract.js';

/** What is going to be done. */
export type DeleteDecision = { plan: DeletePlan; hash: string };

/** Decides what was asked first, then the state of the world, cheapest and most telling first. */
export function decideDelete(request: DeleteVmSnapshotsRequest, facts: MachineFacts): Outcome<DeleteDecision> {
  const doomed = doomedOf(request);
  if ('code' in doomed) return refused(doomed);
  const refusal = checkWorld(facts);
  if (refusal) return refused(refusal);
  const planned = planDelete({ ...recordOf(facts), doomed });
  if (!planned.ok) return refused(explain(planned.refusal, facts));
  return decided(planned.value, facts, request.planHash);
}

/**
 * Whether anything is left to do for the machine's layers although nobody asks: the plan may be empty. `goesOn`: what stopped half-way is to
 * go on.
 */
export function decideConsolidate(facts: MachineFacts, { goesOn }: { goesOn: boolean }): Outcome<DeleteDecision> {
  const refusal = checkWorld(facts);
  if (refusal) return refused(refusal);
  const planned = planConsolidate(recordOf(facts));
  // What stopped half-way is gone on with by whoever stopped it, or by the next delete; until then only garbage goes.
  const isHalf = !goesOn && facts.layers.some((layer) => layer.isSpoiled);
  return decided(isHalf ? { ...planned, merges: [], discards: [], plan: { ...planned.plan, steps: [] } } : planned, facts, null);
}

function decided(plan: DeletePlan, facts: MachineFacts, planHash: string | null): Outcome<DeleteDecision> {
  const foreign = plan.merges.find((merge) => merge.machineId !== null && merge.machineId !== facts.machine.id);
  if (foreign) {
    const message =
      'A clone of this machine runs on these layers, so they can be merged only while it is stopped. Stop it, then try again.';
    return refused({ code: 'HAS_CLONES', message });
  }
  const hash = planHashOf(plan.plan);
  const changed = checkPlanHash(planHash, planView(plan.plan, { hash, estimatedSeconds: null }));
  if (changed) return refused(changed);
  const noRoom = checkSpace(facts, growthOf(plan));
  return noRoom ? refused(noRoom) : done({ plan, hash });
}

function checkWorld(facts: MachineFacts): Refusal | null {
  return (
    checkFree(facts) ??
    checkRepointed(facts) ??
    checkDrift(facts) ??
    checkResting(facts, 'its snapshots can be deleted') ??
    checkHost(facts, [DISK_SNAPSHOT_CAPABILITY])
  );
}

/** What stands in the way of deleting this snapshot, as far as can be told without a plan; null: nothing. */
export function obstacleTo(snapshotId: string, facts: MachineFacts): Refusal | null {
  const snapshot = facts.snapshots.find((candidate) => candidate.id === snapshotId);
  if (!snapshot) return explain({ code: 'NOT_IN_TREE', snapshotId }, facts);
  const { state, locked } = snapshot;
  if (state !== 'READY' && state !== 'ERROR') return explain({ code: 'SNAPSHOT_STATE', snapshotId, state }, facts);
  return locked ? explain({ code: 'SNAPSHOT_LOCKED', snapshotId }, facts) : checkWorld(facts);
}

function doomedOf({ snapshotIds, withDescendants, freeBytes }: DeleteVmSnapshotsRequest): Doomed | Refusal {
  const message = 'Say either which snapshots shall go or how many bytes shall be freed, not both.';
  if ((snapshotIds === null) === (freeBytes === null)) return { code: 'INVALID_INPUT', message, path: ['snapshotIds'] };
  if (freeBytes !== null) {
    if (freeBytes > 0) return { freeBytes };
    return { code: 'INVALID_INPUT', message: 'The bytes to free are a number above zero.', path: ['freeBytes'] };
  }
  const named = snapshotIds ?? [];
  if (named.length > 0) return { snapshotIds: [...new Set(named)], withDescendants };
  return { code: 'INVALID_INPUT', message: 'No snapshot was named.', path: ['snapshotIds'] };
}

function recordOf(facts: MachineFacts) {
  return {
    forest: new LayerForest(facts.layers),
    snapshots: facts.snapshots.map(({ id, parentId, state, locked, kind, memoryBytes }) => ({
      id,
      parentId,
      state,
      isLocked: locked,
      kind,
      memoryBytes: memoryBytes === null ? null : Number(memoryBytes),
    })),
    currentSnapshotId: facts.machine.currentSnapshotId,
    pins: facts.pins,
    // A detached volume's files are closed.
    heads: facts.heads.map((head) => ({ ...head, machineId: head.machineId ?? '' })),
    checkpointedVolumeIds: new Set<string>(),
  };
}

/** Bytes by which the files of each volume may grow before anything is freed. */
function growthOf(plan: DeletePlan): Map<string, number> {
  const growth = new Map<string, number>();
  for (const { volumeId, commitBytes, pullBytes } of plan.merges) {
    growth.set(volumeId, (growth.get(volumeId) ?? 0) + commitBytes + pullBytes);
  }
  return growth;
}

const MIB = 1024 * 1024;

function explain(refusal: DeleteRefusal, { snapshots }: MachineFacts): Refusal {
  const nameOf = (id: string) => snapshots.find((snapshot) => snapshot.id === id)?.name ?? id;
  switch (refusal.code) {
    case 'NOT_IN_TREE':
      return { code: 'NOT_FOUND', message: 'There is no such snapshot in the tree of this machine.', path: ['snapshotIds'] };
    case 'SNAPSHOT_LOCKED':
      return {
        code: 'SNAPSHOT_LOCKED',
        message: `The snapshot “${nameOf(refusal.snapshotId)}” is locked. Unlock it first, or leave it out.`,
        path: ['snapshotIds'],
      };
    case 'SNAPSHOT_STATE':
      return {
        code: 'SNAPSHOT_STATE',
        message: `The snapshot “${nameOf(refusal.snapshotId)}” is ${refusal.state}; it can be deleted while it is READY or in ERROR.`,
        path: ['snapshotIds'],
      };
    case 'NOTHING_TO_FREE':
      return {
        code: 'INVALID_INPUT',
        message: `Deleting everything that is not locked would free ${Math.floor(refusal.freeableBytes / MIB)} MiB, which is less than that.`,
        path: ['freeBytes'],
      };
    default:
      return assertNever(refusal);
  }
}
