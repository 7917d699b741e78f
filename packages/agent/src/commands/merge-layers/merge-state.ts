import { CommandProblem } from '../../failure.js';
import { type ImageFile, readImage } from '../../hypervisor/qemu-storage/image-file.js';
import { ImageProblem } from '../../hypervisor/qemu-storage/qcow2-header.js';
import { backingPathOf, imageRefused } from '../../hypervisor/qemu-storage/walk-chain.js';
import { requireChain } from '../expected-chain.js';
import { drifted } from '../machine-view.js';
import { belowOf, hasCommit, hasPull, type Merge, type MergedLayer, readerOf, targetOf } from './merge.js';

/**
 * What the headers say of a merge; the first that holds:
 *
 *   REPOINTED  somebody reads the target in the reader's place: the copy was whole, and only forward is legal
 *   PULLED     what is below the target is in it, and its header says so; what is above it may be in it or not
 *   WHOLE      as it was planned; what is above may be in the target in part
 */
export type MergeState = 'WHOLE' | 'PULLED' | 'REPOINTED';

/** `headFile`: what the machine's disk is on where it writes the run itself, else null. Throws MACHINE_DRIFTED for any other chain. */
export async function readMergeState(merge: Merge, headFile: string | null): Promise<MergeState> {
  const { above, chain, runLength, into } = merge;
  const label = merge.target ?? `volume ${merge.volumeId}`;
  const below = chain.slice(runLength);
  const target = targetOf(merge);
  if (await isRepointed(merge, headFile)) {
    await requireChain(label, [target, ...below]);
    return 'REPOINTED';
  }
  if (hasPull(merge) && (await isOver(target, belowOf(merge)))) {
    await requireChain(label, [...above, ...chain.slice(0, into + 1), ...below]);
    return 'PULLED';
  }
  await requireSizes(merge, await requireChain(label, [...above, ...chain]));
  return 'WHOLE';
}

/** Every reader is over the reader or over the target; true if one is over the target. */
async function isRepointed(merge: Merge, headFile: string | null): Promise<boolean> {
  if (!hasCommit(merge)) return false;
  const target = targetOf(merge);
  let found = headFile === target.path;
  for (const reader of merge.readers) {
    if (await isOver(reader, target)) found = true;
    else if (!(await isOver(reader, readerOf(merge)))) throw drifted(`${reader.path} does not read the layers that are to be merged.`);
  }
  return found;
}

/** Whether the header of one layer names the other, or nothing where there is none. Throws IMAGE_REFUSED for what cannot be read. */
export async function isOver(layer: MergedLayer, backing: MergedLayer | undefined): Promise<boolean> {
  try {
    return (await backingPathOf(await readImage(layer.path, layer.format))) === (backing?.path ?? null);
  } catch (error) {
    if (error instanceof ImageProblem) throw imageRefused(layer.path, error.message, error);
    throw error;
  }
}

/** A commit never shrinks its target, so the view of a smaller reader would get a tail (kvm.md §5.1). */
async function requireSizes(merge: Merge, images: readonly ImageFile[]): Promise<void> {
  if (!hasCommit(merge)) return;
  const reader = images[merge.above.length];
  const target = images[merge.above.length + merge.into];
  if (reader === undefined || target === undefined || reader.virtualBytes >= target.virtualBytes) return;
  throw new CommandProblem({
    code: 'IMAGE_REFUSED',
    message: `${target.path} has ${target.virtualBytes} bytes and the layer above only ${reader.virtualBytes}: it can only be pulled. Nothing was changed.`,
  });
}
