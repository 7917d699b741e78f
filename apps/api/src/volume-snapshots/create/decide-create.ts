/** Whether a volume snapshot may be taken now, and how: pure, so that the same rules answer before and inside the transaction. */
import { CHAIN_LIMIT, LayerForest, planVolumeSnapshot, type VolumeSnapshotPlan } from '@coppice/snapshot-tree';
import { refusalOfName } from '../../errors/names.js';
import { done, type Outcome, type Refusal, refused } from '../../errors/refusal.js';
import { checkDrift, checkFree, checkHost, checkResting, checkSpace, spaceForCopy } from '../../machines/check-machine.js';
import type { MachineFacts } from '../../machines/machine-facts.store.js';
import { DISK_SNAPSHOT_CAPABILITY, QUIESCE_CAPABILITY } from '../../vm-snapshots/capabilities.js';
import { checkRepointed } from '../../vm-snapshots/check-repointed.js';
import { checkGuest } from '../../vm-snapshots/create/decide-create.js';
import { explainRefusal } from '../../vm-snapshots/create/explain-refusal.js';
import { planHashOf } from '../../vm-snapshots/plan-view.js';
import { FULL_VOLUME_SNAPSHOT_CAPABILITY } from '../capability.js';
import type { CreateVolumeSnapshotRequest } from '../volume-snapshots.contract.js';

/** Longest name, in characters, as VM snapshots have it. */
const NAME_LENGTH = 255;
type Volume = MachineFacts['volumes'][number];
type Consistency = MachineFacts['snapshots'][number]['consistency'];

/** What is going to be done. `headTarget`: the disk of a stopped machine whose head is copied; null: the layer is frozen, or will be. */
export type CreateDecision = {
  name: string;
  volume: Volume;
  target: string;
  headTarget: string | null;
  power: 'ON' | 'PAUSED' | 'OFF';
  quiesce: boolean;
  consistency: Consistency;
  plan: VolumeSnapshotPlan;
  hash: string;
};

/** What is copied, before the machine's power is looked at. */
type Source = { volume: Volume; target: string; layerId: string | null; consistency: Consistency | null };

/** What was asked first, then the state of the world, cheapest and most telling first. */
export function decideCreateVolumeSnapshot(request: CreateVolumeSnapshotRequest, facts: MachineFacts): Outcome<CreateDecision> {
  const refusal = checkAsked(request) ?? checkFree(facts) ?? checkQuota(facts) ?? checkRepointed(facts) ?? checkDrift(facts);
  if (refusal) return refused(refusal);
  const source = sourceOf(request, facts);
  if ('code' in source) return refused(source);
  const inTheWay =
    checkResting(facts, 'a volume snapshot can be taken') ?? checkHost(facts, capabilitiesOf(request, facts)) ?? checkGuest(request, facts);
  if (inTheWay) return refused(inTheWay);
  const power = facts.machine.powerState;
  if (power === 'UNKNOWN') throw new Error(`machine ${facts.machine.id} has no known power state after its state was checked`);
  return planFrom(request, facts, { ...source, power });
}

function planFrom(
  request: CreateVolumeSnapshotRequest,
  facts: MachineFacts,
  source: Source & { power: 'ON' | 'PAUSED' | 'OFF' },
): Outcome<CreateDecision> {
  const { volume, target, layerId, power } = source;
  const { headLayerId, nextLayerNumber } = volume;
  const planned = planVolumeSnapshot({
    forest: new LayerForest(facts.layers),
    volume: { volumeId: volume.id, target, headLayerId: headLayerId ?? layerId ?? '', nextLayerNumber },
    layerId,
    power,
    quiesce: request.quiesce,
    chainLimit: CHAIN_LIMIT,
  });
  if (!planned.ok) return refused(explainRefusal(planned.refusal));
  const { plan, chain } = planned.value;
  if (chain[0]?.isSpoiled) return refused(spoiled());
  const noRoom = checkSpace(facts, new Map([[volume.id, spaceForCopy(plan.peakExtraBytes)]]));
  if (noRoom) return refused(noRoom);
  const quiesce = request.quiesce && power === 'ON';
  const asked = power === 'OFF' ? 'OFFLINE' : quiesce ? 'FILESYSTEM' : 'CRASH';
  return done({
    name: request.name ?? `snapshot-${facts.volumeSnapshotsEver + 1}`,
    volume,
    target,
    headTarget: layerId === null && power === 'OFF' ? target : null,
    power,
    quiesce,
    consistency: source.consistency ?? asked,
    plan: planned.value,
    hash: planHashOf(plan),
  });
}

function checkAsked({ name, kind, location, quiesce, vmSnapshotId }: CreateVolumeSnapshotRequest): Refusal | null {
  if (kind === 'INCREMENTAL') {
    const message = 'This version of Coppice takes full volume snapshots only. Ask for FULL, or leave the kind out.';
    return { code: 'CAPABILITY_DISABLED', message, path: ['kind'] };
  }
  if (location === 'SECONDARY') {
    const message =
      'This version of Coppice has no backup stores: volume snapshots stay in the pool of their volume. Ask for PRIMARY, or leave the location out.';
    return { code: 'CAPABILITY_DISABLED', message, path: ['location'] };
  }
  if (quiesce && vmSnapshotId !== null) {
    const message = 'The content is that of a VM snapshot, which is as consistent as it was taken. Leave quiesce out.';
    return { code: 'INVALID_INPUT', message, path: ['quiesce'] };
  }
  return name === null ? null : refusalOfName(name, 'name', NAME_LENGTH);
}

function checkQuota({ machine, volumeSnapshotsOfProject: used }: MachineFacts): Refusal | null {
  const limit = machine.project?.quotaVolumeSnapshots ?? null;
  if (limit === null || used === null || used < limit) return null;
  const message = `The project has ${used} of its ${limit} volume snapshots. Delete one, or ask an administrator for more.`;
  return { code: 'QUOTA_EXCEEDED', message, limit: BigInt(limit), used: BigInt(used) };
}

function sourceOf({ volumeId, vmSnapshotId }: CreateVolumeSnapshotRequest, facts: MachineFacts): Source | Refusal {
  if (vmSnapshotId !== null) return sourceInSnapshot(volumeId, vmSnapshotId, facts);
  const volume = facts.volumes.find((candidate) => candidate.id === volumeId);
  if (!volume?.target || volume.headLayerId === null) {
    const message = 'The volume is attached to no machine, whose host could do this. Attach it first.';
    return { code: 'MACHINE_STATE', message, path: ['volumeId'] };
  }
  return { volume, target: volume.target, layerId: null, consistency: null };
}

function sourceInSnapshot(volumeId: string, vmSnapshotId: string, facts: MachineFacts): Source | Refusal {
  const snapshot = facts.snapshots.find((candidate) => candidate.id === vmSnapshotId);
  if (!snapshot)
    return { code: 'NOT_FOUND', message: 'There is no such VM snapshot, or it is in none of your projects.', path: ['vmSnapshotId'] };
  if (snapshot.state !== 'READY') {
    const message = `The VM snapshot “${snapshot.name}” is ${snapshot.state}; its content can be copied while it is READY.`;
    return { code: 'SNAPSHOT_STATE', message, path: ['vmSnapshotId'] };
  }
  const pin = snapshot.disks.find((disk) => disk.volumeId === volumeId);
  const volume = [...facts.volumes, ...facts.otherVolumes].find((candidate) => candidate.id === volumeId);
  if (!pin || !volume) {
    const message = `The VM snapshot “${snapshot.name}” does not hold this volume.`;
    return { code: 'INVALID_INPUT', message, path: ['volumeId'] };
  }
  // Of a snapshot with memory the disk alone is what a power cut would leave.
  const consistency = snapshot.consistency === 'MEMORY' ? 'CRASH' : snapshot.consistency;
  return { volume, target: pin.target, layerId: pin.layerId, consistency };
}

function spoiled(): Refusal {
  const message = 'A merge into this layer stopped half-way, so it reads as nothing. Retry that operation first.';
  return { code: 'SNAPSHOT_STATE', message, path: ['vmSnapshotId'] };
}

function capabilitiesOf({ vmSnapshotId, quiesce }: CreateVolumeSnapshotRequest, { machine }: MachineFacts): string[] {
  if (vmSnapshotId !== null || machine.powerState === 'OFF') return [FULL_VOLUME_SNAPSHOT_CAPABILITY];
  return [FULL_VOLUME_SNAPSHOT_CAPABILITY, DISK_SNAPSHOT_CAPABILITY, ...(quiesce ? [QUIESCE_CAPABILITY] : [])];
}
