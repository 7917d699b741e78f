/** Whether a machine may be made from a VM snapshot now: pure, so that the same rules answer before and inside the transaction. */
import { CHAIN_LIMIT, T_TRICK_RESERVE } from '@coppice/snapshot-tree';
import { done, type Outcome, type Refusal, refused } from '../../errors/refusal.js';
import type { MachineFacts } from '../../machines/machine-facts.store.js';
import { decideSource, type Source, type SourceDisk } from '../../volumes/copies/decide-source.js';
import type { CloneVmSnapshotRequest } from './clone-vm-snapshot.contract.js';

/** The request with the machine that its snapshot is of. */
export type CloneRequest = CloneVmSnapshotRequest & { virtualMachineId: string; planHash: null };

/** What a new machine begins with. The memory of a DISK_AND_MEMORY snapshot is not part of it. */
export function decideClone({ snapshotId, name, linked }: CloneRequest, facts: MachineFacts): Outcome<Source> {
  const source = decideSource({ snapshotId, name, isCopied: !linked, thing: 'a machine', what: 'it can be cloned' }, facts);
  if (!source.ok || !linked) return source;
  const tooLong = checkChains(source.value.disks);
  return tooLong ? refused(tooLong) : done(source.value);
}

/** The bound counts every layer down to the root, and leaves the new head the place of a T-trick (domain.md, Delete). */
function checkChains(disks: readonly SourceDisk[]): Refusal | null {
  const tooLong = disks.find(({ chain }) => chain.length + 1 + T_TRICK_RESERVE > CHAIN_LIMIT);
  if (!tooLong) return null;
  const message =
    `The disk ${tooLong.target} of the snapshot has ${tooLong.chain.length} layers; a linked clone adds one, and a disk may have ` +
    `${CHAIN_LIMIT - T_TRICK_RESERVE}. Delete snapshots below this one first, or clone it without linking.`;
  return { code: 'CHAIN_TOO_LONG', message, path: ['linked'] };
}
