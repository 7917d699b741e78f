/** Whether something new may begin with what a VM snapshot shows: the checks that clones and templates share. Pure. */
import { type Layer, LayerForest, OVERLAY_RESERVE_BYTES } from '@coppice/snapshot-tree';
import { nameTaken, refusalOfName } from '../../errors/names.js';
import { done, type Outcome, type Refusal, refused } from '../../errors/refusal.js';
import { checkDrift, checkFree, checkHost, checkResting, checkSpace, spaceForCopy } from '../../machines/check-machine.js';
import type { MachineFacts, SnapshotFacts } from '../../machines/machine-facts.store.js';
import { DISK_SNAPSHOT_CAPABILITY } from '../../vm-snapshots/capabilities.js';
import { checkRepointed } from '../../vm-snapshots/check-repointed.js';

/** One disk of the snapshot: the frozen layer that is read, with all that is below it, that first. */
export type SourceDisk = { target: string; layer: Layer; chain: Layer[] };

export type Source = { snapshot: SnapshotFacts; disks: SourceDisk[] };

/** What is asked for. `thing` and `what`: for people, e.g. "a machine", "it can be cloned". `isCopied`: false where layers are shared. */
type SourceAsked = { snapshotId: string; name: string; isCopied: boolean; thing: string; what: string };

/** A saved state of the machine has nothing to do with a snapshot of it. */
const TOLERATES = ['MANAGED_SAVE'];

/** Name, machine, snapshot, then room for it, cheapest and most telling first. */
export function decideSource(asked: SourceAsked, facts: MachineFacts): Outcome<Source> {
  const snapshot = facts.snapshots.find((candidate) => candidate.id === asked.snapshotId);
  const refusal =
    refusalOfName(asked.name, 'name') ??
    checkFree(facts) ??
    checkSnapshot(snapshot, asked.what) ??
    checkRepointed(facts) ??
    checkDrift(facts, TOLERATES) ??
    checkResting(facts, asked.what) ??
    checkHost(facts, [DISK_SNAPSHOT_CAPABILITY]);
  if (refusal || !snapshot) return refused(refusal ?? gone());
  const disks = disksOf(snapshot, facts);
  const unusable =
    checkLayers(disks) ??
    (facts.isNameTaken ? nameTaken(asked.thing, asked.name, 'name') : null) ??
    checkRoom(disks, asked.isCopied, facts);
  return unusable ? refused(unusable) : done({ snapshot, disks });
}

function gone(): Refusal {
  return { code: 'SNAPSHOT_STATE', message: 'The snapshot was deleted. Choose another one.', path: ['snapshotId'] };
}

function checkSnapshot(snapshot: SnapshotFacts | undefined, what: string): Refusal | null {
  if (!snapshot) return gone();
  if (snapshot.state !== 'READY')
    return { code: 'SNAPSHOT_STATE', message: `The snapshot is ${snapshot.state}; ${what} while it is READY.`, path: ['snapshotId'] };
  if (snapshot.disks.length > 0) return null;
  return { code: 'SNAPSHOT_STATE', message: 'The snapshot holds no disk, so there is nothing to begin with.', path: ['snapshotId'] };
}

function disksOf(snapshot: SnapshotFacts, facts: MachineFacts): SourceDisk[] {
  const forest = new LayerForest(facts.layers);
  return snapshot.disks
    .map(({ target, layerId }) => ({ target, layer: forest.layer(layerId), chain: forest.chainOf(layerId) }))
    .sort((a, b) => (a.target < b.target ? -1 : 1));
}

function checkLayers(disks: readonly SourceDisk[]): Refusal | null {
  const spoiled = disks.find(({ chain }) => chain.some((layer) => layer.isSpoiled));
  if (!spoiled) return null;
  const message = `A merge into a layer of ${spoiled.target} was stopped half way. Retry that operation first.`;
  return { code: 'SNAPSHOT_STATE', message, path: ['snapshotId'] };
}

/** A copy takes what its chain holds, and no more than the disk is large; a layer that shares takes its tables. */
function checkRoom(disks: readonly SourceDisk[], isCopied: boolean, facts: MachineFacts): Refusal | null {
  const needed = new Map<string, number>();
  for (const { layer, chain } of disks) {
    const held = chain.reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0);
    const copied = isCopied ? spaceForCopy(Math.min(held, layer.virtualBytes)) : 0;
    needed.set(layer.volumeId, (needed.get(layer.volumeId) ?? 0) + OVERLAY_RESERVE_BYTES + copied);
  }
  return checkSpace(facts, needed);
}
