import type { Layer } from '../model/layer-forest.js';
import { layerFileName } from './layer-file-name.js';
import { OVERLAY_RESERVE_BYTES, T_TRICK_RESERVE } from './plan-create.js';
import { type DiskSet, diskSetOf } from './revert-disks.js';
import type { NewHead, RevertPlan, RevertRefusal, RevertRequest } from './revert-plan.js';
import { revertSteps } from './revert-steps.js';

type Planned = { ok: true; value: RevertPlan } | { ok: false; refusal: RevertRefusal };

/**
 * Plans a revert to any snapshot: fresh heads over what it froze, then one switch of the definition (the machine is stopped, its managed
 * save goes, its memory is restored or it starts), and only when that is recorded are the abandoned heads discarded. Moves no bytes. With
 * `snapshotFirst` the abandoned heads are what the safety snapshot pins instead; no freeze is needed, because the switch stops the machine.
 */
export function planRevert(request: RevertRequest): Planned {
  const { snapshot } = request;
  if (snapshot.state !== 'READY') return { ok: false, refusal: { code: 'SNAPSHOT_STATE', state: snapshot.state } };
  const disks = diskSetOf(request);
  if (!disks.ok) return { ok: false, refusal: { code: 'NOT_REVERTIBLE', obstacles: disks.obstacles } };
  const newHeads = newHeadsOf(request, disks.value);
  const tooLong = firstTooLong(request, newHeads, disks.value);
  if (tooLong) return { ok: false, refusal: tooLong };
  const kept = disks.value;
  const fresh = new Set(newHeads.map((head) => head.volumeId));
  const abandoned = abandonedLayers(request, newHeads, kept);
  const parts: Omit<RevertPlan, 'plan'> = {
    newHeads,
    abandoned: abandoned.map((layer) => layer.id),
    detaches: kept.detaches.map((head) => head.volumeId),
    attaches: kept.attaches.map((disk) => disk.volumeId),
    safetyPins: request.snapshotFirst ? kept.safetyPins : null,
    keeps: kept.keeps.map((head) => head.volumeId).filter((volumeId) => !fresh.has(volumeId)),
    endsRunning: snapshot.kind === 'DISK_AND_MEMORY' || request.start,
  };
  const freed = abandoned.reduce((sum, layer) => sum + layer.allocatedBytes, 0);
  return {
    ok: true,
    value: {
      ...parts,
      plan: {
        steps: revertSteps(request, parts),
        bytesToMove: 0,
        bytesFreed: freed,
        peakExtraBytes: newHeads.length * OVERLAY_RESERVE_BYTES,
        stopsMachine: request.power !== 'OFF',
        losesCurrentState: abandoned.length > 0,
        warnings: warningsFor(request, kept),
      },
    },
  };
}

/** Over the snapshot's layers; with a safety snapshot also over every head that it pins, because a head is never pinned. */
function newHeadsOf(request: RevertRequest, disks: DiskSet): NewHead[] {
  const { forest, heads, snapshot } = request;
  const pinnedBySafety = request.snapshotFirst ? disks.safetyPins : [];
  const detached = new Set(disks.detaches.map((head) => head.volumeId));
  const overOldHeads = pinnedBySafety.filter((pin) => !snapshot.disks.some((disk) => disk.volumeId === pin.volumeId));
  const wanted: { volumeId: string; target: string | null; layerId: string }[] = [
    ...snapshot.disks,
    ...overOldHeads.map((pin) => ({ ...pin, target: detached.has(pin.volumeId) ? null : pin.target })),
  ];
  return wanted
    .toSorted((a, b) => ((a.target ?? '~') < (b.target ?? '~') ? -1 : 1))
    .map(({ volumeId, target, layerId }) => ({
      volumeId,
      target,
      overLayerId: layerId,
      newFileName: layerFileName(volumeId, heads.find((head) => head.volumeId === volumeId)?.nextLayerNumber ?? 0),
      virtualBytes: forest.layer(layerId).virtualBytes,
    }));
}

/**
 * A head over what was frozen has the place that it had then. What a safety snapshot freezes now needs the room that a create leaves,
 * although this revert puts nothing over it: some later one will, and its head must find the place of a T-trick.
 */
function firstTooLong(request: RevertRequest, newHeads: readonly NewHead[], disks: DiskSet): RevertRefusal | undefined {
  const { forest, chainLimit: limit } = request;
  const over = newHeads.map((head) => ({ ...head, layerId: head.overLayerId, added: 1 }));
  const frozen = request.snapshotFirst ? disks.safetyPins.map((pin) => ({ ...pin, added: 1 + T_TRICK_RESERVE })) : [];
  for (const { volumeId, target, layerId, added } of [...over, ...frozen]) {
    const length = forest.chainOf(layerId).length;
    if (length + added > limit) return { code: 'CHAIN_TOO_LONG', volumeId, target: target ?? '', length, limit };
  }
  return undefined;
}

/**
 * What the switch leaves without a reader, each after those over it: from every old head down to the first layer that something else
 * reads. Clones count, because their layers are in the forest.
 */
function abandonedLayers(request: RevertRequest, newHeads: readonly NewHead[], disks: DiskSet): Layer[] {
  const { forest } = request;
  const left = new Set(newHeads.map((head) => head.volumeId));
  const pinned = new Set([...request.pins, ...(request.snapshotFirst ? disks.safetyPins : [])].map((pin) => pin.layerId));
  const read = new Set([...pinned, ...newHeads.map((head) => head.overLayerId)]);
  const abandoned: Layer[] = [];
  const isLeft = (layer: Layer) => forest.childrenOf(layer.id).every((child) => abandoned.includes(child));
  for (const head of request.heads.filter((one) => left.has(one.volumeId))) {
    for (const layer of forest.chainOf(head.headLayerId)) {
      if (layer.isTemplate || read.has(layer.id) || !isLeft(layer)) break;
      abandoned.push(layer);
    }
  }
  return abandoned;
}

function warningsFor(request: RevertRequest, disks: DiskSet): string[] {
  const warnings: string[] = [];
  if (request.hasManagedSave) warnings.push('The saved state of the machine is removed: it would start the disks as they are now.');
  for (const head of disks.detaches) {
    warnings.push(`The disk ${head.target ?? ''} was not there when the snapshot was taken: it is detached and kept.`);
  }
  for (const head of disks.lost) {
    warnings.push(
      `The disk that comes back as ${head.target} loses what was written to it since: another disk has its place in the safety snapshot.`,
    );
  }
  return warnings;
}
