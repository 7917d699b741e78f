/** Whether a volume may be attached or detached now. Pure. */
import { LayerForest } from '@coppice/snapshot-tree';
import { done, type Outcome, type Refusal, refused } from '../../errors/refusal.js';
import { notFound } from '../../access/refusals.js';
import { checkRepointed } from '../../vm-snapshots/check-repointed.js';
import { resourceOf } from '../../operations/claim.store.js';
import { checkDrift, checkFree, checkHost, checkResting } from '../check-machine.js';
import type { ExpectedDisk } from '../expected-disks.js';
import { linkOf, type MachineFacts } from '../machine-facts.store.js';

/** A volume as the planner and the facts have it. */
type VolumeFacts = MachineFacts['volumes'][number];

/** What is going to be done. `files`: what to claim. */
export type DiskDecision = { volumeId: string; name: string; target: string; chain: ExpectedDisk['chain']; files: string[] };

/** Disks of one machine (packages/protocol). */
const MAX_DISKS = 64;

/** A detached volume of the machine's own project, in a pool that the machine's host reaches, at the next free target. */
export function decideAttach(volumeId: string, facts: MachineFacts): Outcome<DiskDecision> {
  const volume = [...facts.volumes, ...facts.otherVolumes].find((one) => one.id === volumeId);
  // A volume without a head is gone; another project's is not there for this caller.
  if (!volume || volume.projectId !== facts.machine.projectId || volume.headLayerId === null)
    return refused(notFound('The volume', 'volumeId'));
  const refusal = checkDiskChange(facts) ?? checkDetached(volume) ?? checkReach(volume, facts);
  if (refusal) return refused(refusal);
  const target = freeTarget(facts);
  if (target === null)
    return refused({ code: 'MACHINE_STATE', message: `The machine has ${MAX_DISKS} disks, and no more can be attached.` });
  return done(decisionOf(facts, { volume, headLayerId: volume.headLayerId, target }));
}

/** A volume that the machine has. */
export function decideDetach(volumeId: string, facts: MachineFacts): Outcome<DiskDecision> {
  const volume = facts.volumes.find((one) => one.id === volumeId);
  const refusal = checkDiskChange(facts);
  if (refusal) return refused(refusal);
  if (!volume || volume.target === null || volume.headLayerId === null) {
    return refused({
      code: 'MACHINE_STATE',
      message: 'The volume is not attached to a machine, so it cannot be detached.',
      path: ['volumeId'],
    });
  }
  return done(decisionOf(facts, { volume, headLayerId: volume.headLayerId, target: volume.target }));
}

/** Whether any disk of the machine could be changed now. */
export function checkDiskChange(facts: MachineFacts): Refusal | null {
  return (
    checkFree(facts) ??
    checkRepointed(facts) ??
    checkDrift(facts) ??
    checkResting(facts, 'its disks can be changed') ??
    checkSnapshots(facts) ??
    checkHost(facts, [])
  );
}

/** domain.md, Rules that the seeds state: no attach or detach while a machine has VM snapshots. */
function checkSnapshots({ snapshots }: MachineFacts): Refusal | null {
  if (snapshots.length === 0) return null;
  const names = snapshots
    .slice(0, 3)
    .map(({ name }) => `“${name}”`)
    .join(', ');
  const message = `The machine has ${snapshots.length} VM snapshots (${names}${snapshots.length > 3 ? ', …' : ''}), so its set of disks stays as it is. Delete them first.`;
  return { code: 'HAS_VM_SNAPSHOTS', message };
}

function checkDetached({ virtualMachineId }: VolumeFacts): Refusal | null {
  if (virtualMachineId === null) return null;
  return { code: 'MACHINE_STATE', message: 'The volume is attached to a machine. Detach it there first.', path: ['volumeId'] };
}

function checkReach({ pool }: VolumeFacts, { machine: { host } }: MachineFacts): Refusal | null {
  if (pool.clusterId === host.clusterId && (pool.hostId === null || pool.hostId === host.id)) return null;
  return {
    code: 'POOL_UNSUPPORTED',
    message: `The host ${host.name} of the machine does not reach the pool ${pool.name} of the volume.`,
    path: ['volumeId'],
  };
}

/** vda, vdb, …, vdz, vdaa, …; the first that no disk of the record has. */
function freeTarget({ volumes }: MachineFacts): string | null {
  if (volumes.length >= MAX_DISKS) return null;
  const taken = new Set(volumes.map(({ target }) => target));
  for (let n = 0; n <= MAX_DISKS; n += 1) {
    const target = `vd${n >= 26 ? letter(Math.floor(n / 26) - 1) : ''}${letter(n % 26)}`;
    if (!taken.has(target)) return target;
  }
  return null;
}

function letter(n: number): string {
  return String.fromCharCode('a'.charCodeAt(0) + n);
}

function decisionOf(facts: MachineFacts, disk: { volume: VolumeFacts; headLayerId: string; target: string }): DiskDecision {
  const chain = new LayerForest(facts.layers).chainOf(disk.headLayerId);
  const forests = chain.filter((layer) => !layer.isTemplate).map((layer) => resourceOf.layerForest(layer.volumeId));
  return {
    volumeId: disk.volume.id,
    name: disk.volume.name,
    target: disk.target,
    chain: chain.map((layer) => linkOf(facts, layer)),
    files: [resourceOf.volume(disk.volume.id), ...forests],
  };
}
