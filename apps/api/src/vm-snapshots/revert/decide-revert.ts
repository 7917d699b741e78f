/** Whether a machine may go back to a snapshot now, and how: pure, so that the same rules answer before and inside the transaction. */
import {
  CHAIN_LIMIT,
  type Layer,
  LayerForest,
  type NewHead,
  OVERLAY_RESERVE_BYTES,
  planRevert,
  type RevertPlan,
  type VolumeHead,
} from '@coppice/snapshot-tree';
import { done, type Outcome, type Refusal, refused } from '../../errors/refusal.js';
import { checkDrift, checkFree, checkHost, checkResting, checkSpace } from '../../machines/check-machine.js';
import type { MachineFacts, SnapshotFacts } from '../../machines/machine-facts.store.js';
import { DISK_SNAPSHOT_CAPABILITY, MEMORY_SNAPSHOT_CAPABILITY } from '../capabilities.js';
import { checkRepointed } from '../check-repointed.js';
import { checkPlanHash, planHashOf, planView } from '../plan-view.js';
import { checkQuota } from '../quota.js';
import { explainRevertRefusal } from './explain-revert-refusal.js';
import type { RevertToVmSnapshotRequest } from './revert-to-vm-snapshot.contract.js';

/** The request with the machine that its snapshot is of. */
export type RevertRequest = RevertToVmSnapshotRequest & { virtualMachineId: string };

/** A fresh head with the chain that it is put over, the layer under it first. */
export type RevertHead = NewHead & { chain: Layer[] };

/** What is going to be done. */
export type RevertDecision = {
  snapshot: SnapshotFacts;
  plan: RevertPlan;
  heads: RevertHead[];
  hash: string;
  power: 'ON' | 'PAUSED' | 'OFF';
  /** The safety snapshot's name; null without snapshotFirst. */
  safetyName: string | null;
};

/** A saved state fits the present disks only, so it goes with them. The agent looks again, and starts nothing before it is gone. */
const MANAGED_SAVE = 'MANAGED_SAVE';
const TOLERATES = [MANAGED_SAVE];

/** Longest name of a snapshot, in characters. */
const NAME_LENGTH = 255;

/** Decides the state of the world, cheapest and most telling first. */
export function decideRevert(request: RevertRequest, facts: MachineFacts): Outcome<RevertDecision> {
  const snapshot = facts.snapshots.find((candidate) => candidate.id === request.snapshotId);
  const refusal =
    checkFree(facts) ??
    checkThere(snapshot) ??
    (request.snapshotFirst ? checkQuota(facts) : null) ??
    checkRepointed(facts) ??
    checkDrift(facts, TOLERATES) ??
    checkResting(facts, 'it can go back to a snapshot') ??
    checkHost(facts, capabilitiesOf(snapshot));
  if (refusal) return refused(refusal);
  const power = facts.machine.powerState;
  if (power === 'UNKNOWN' || !snapshot) throw new Error(`machine ${facts.machine.id} was checked and is not as it was checked`);
  const planned = planRevert({
    forest: forestOf(facts),
    snapshot,
    heads: headsOf(facts),
    pins: facts.pins,
    unavailable: unavailableOf(facts, snapshot),
    power,
    snapshotFirst: request.snapshotFirst,
    start: request.start,
    hasManagedSave: facts.driftCodes?.includes(MANAGED_SAVE) ?? false,
    chainLimit: CHAIN_LIMIT,
  });
  if (!planned.ok) return refused(explainRevertRefusal(planned.refusal));
  const noRoom = checkSpace(facts, new Map(planned.value.newHeads.map(({ volumeId }) => [volumeId, OVERLAY_RESERVE_BYTES])));
  if (noRoom) return refused(noRoom);
  const hash = planHashOf(planned.value.plan);
  const changed = checkPlanHash(request.planHash, planView(planned.value.plan, { hash, estimatedSeconds: null }));
  if (changed) return refused(changed);
  const safetyName = request.snapshotFirst ? safetyNameFor(snapshot.name, facts) : null;
  const heads = planned.value.newHeads.map((head) => ({ ...head, chain: forestOf(facts).chainOf(head.overLayerId) }));
  return done({ snapshot, plan: planned.value, heads, hash, power, safetyName });
}

/** One forest per reading, however many snapshots are asked about. */
const forests = new WeakMap<MachineFacts, LayerForest>();

function forestOf(facts: MachineFacts): LayerForest {
  const forest = forests.get(facts) ?? new LayerForest(facts.layers);
  forests.set(facts, forest);
  return forest;
}

function checkThere(snapshot: SnapshotFacts | undefined): Refusal | null {
  if (!snapshot) return { code: 'SNAPSHOT_STATE', message: 'The snapshot was deleted. Choose another one.', path: ['snapshotId'] };
  if (snapshot.state !== 'READY') return explainRevertRefusal({ code: 'SNAPSHOT_STATE', state: snapshot.state });
  if (snapshot.kind === 'DISK' || snapshot.filePool !== null) return null;
  const message = 'The memory image of the snapshot is not recorded, so the guest cannot go on where it was.';
  return { code: 'NOT_REVERTIBLE', message, path: ['snapshotId'] };
}

function capabilitiesOf(snapshot: SnapshotFacts | undefined): string[] {
  return snapshot?.kind === 'DISK_AND_MEMORY' ? [DISK_SNAPSHOT_CAPABILITY, MEMORY_SNAPSHOT_CAPABILITY] : [DISK_SNAPSHOT_CAPABILITY];
}

/** The machine's disks, and free ones; a volume without a machine or without a target is detached. */
function headsOf(facts: MachineFacts): VolumeHead[] {
  const known = new Set(facts.layers.map((layer) => layer.id));
  return [...facts.volumes, ...facts.otherVolumes].flatMap(({ id, target, headLayerId, nextLayerNumber, virtualMachineId }) => {
    const isOurs = virtualMachineId === null || virtualMachineId === facts.machine.id;
    if (!isOurs || headLayerId === null || !known.has(headLayerId)) return [];
    return [{ volumeId: id, target: virtualMachineId === null ? null : target, headLayerId, nextLayerNumber }];
  });
}

function unavailableOf(facts: MachineFacts, snapshot: SnapshotFacts): Map<string, 'GONE' | 'ATTACHED_ELSEWHERE'> {
  const volumes = new Map([...facts.volumes, ...facts.otherVolumes].map((volume) => [volume.id, volume]));
  const unavailable = new Map<string, 'GONE' | 'ATTACHED_ELSEWHERE'>();
  for (const { volumeId } of snapshot.disks) {
    const volume = volumes.get(volumeId);
    if (!volume || volume.headLayerId === null) unavailable.set(volumeId, 'GONE');
    else if (volume.virtualMachineId !== null && volume.virtualMachineId !== facts.machine.id)
      unavailable.set(volumeId, 'ATTACHED_ELSEWHERE');
  }
  return unavailable;
}

/** `before reverting to s1`, with a number where that is taken; the snapshot's name is cut where it would be too long. */
function safetyNameFor(name: string, facts: MachineFacts): string {
  for (let n = 1; ; n += 1) {
    const [start, end] = ['before reverting to ', n === 1 ? '' : ` (${n})`];
    const candidate =
      start +
      Array.from(name)
        .slice(0, NAME_LENGTH - start.length - end.length)
        .join('') +
      end;
    if (!facts.names.has(candidate)) return candidate;
  }
}
