/**
 * merge-layers: one file out of a run of layers (protocol/src/commands/merge-layers.ts, kvm.md §5).
 *
 *   check ─▶ [spoils noted] ─▶ copy ─▶ copied noted ─▶ readers re-pointed ─▶ definition ─▶ check ─▶ done
 *   └─ NOTHING ─┘ └────────── SPOILED ──────────┘ └──────────── REPOINTED ────────────┘
 *
 * Up to "copied" the reader's own files show its content whatever happens, so that a copy is simply made again; from the first re-pointing on
 * nothing is copied any more. A pull into the reader itself spoils and re-points nothing. Must never write any layer but
 * the target, nor remove a file. Who else reads the run is the planner's to know: layers that are to be discarded still lie there.
 */
import type { CommandBody, CommandResult } from '@coppice/protocol';
import { encodeExtents } from '../../inventory/encode-extents.js';
import { dataRangesOf } from '../../hypervisor/qemu-storage/map-image.js';
import { readImage } from '../../hypervisor/qemu-storage/image-file.js';
import { type CommandContext, notesOf, told } from '../context.js';
import { requireChain } from '../expected-chain.js';
import { drifted } from '../machine-view.js';
import { belowOf, hasCommit, leaving, type Merge, planMerge, type Stage, targetOf } from './merge.js';
import { mergeLive } from './merge-live.js';
import { mergeOffline } from './merge-offline.js';
import { isOver } from './merge-state.js';

const MAP_DEADLINE_MS = 120_000;

/** See the file's head. Throws CommandProblem or CommandCancelled with what is left, or HypervisorLost: then it has to be called again. */
export async function mergeLayers(body: Extract<CommandBody, { verb: 'merge-layers' }>, context: CommandContext): Promise<CommandResult> {
  const merge = await planMerge(body, context);
  const bytesMoved = await performMerge(merge, context);
  const target = targetOf(merge);
  const { allocatedBytes, virtualBytes } = await readImage(target.path, target.format);
  const dataMap = encodeExtents(await dataRangesOf(target, MAP_DEADLINE_MS));
  context.crash('merge-layers/before-finished-record');
  return { verb: 'merge-layers', bytesMoved, allocatedBytes, virtualBytes, dataMap };
}

/** Does a merge and checks it. Returns the bytes of data that were copied. */
export async function performMerge(merge: Merge, context: CommandContext): Promise<number> {
  const stage: Stage = { left: notesOf(context, 'spoils').length > 0 ? 'SPOILED' : 'NOTHING' };
  try {
    const bytesMoved = await (merge.how === 'LIVE' ? mergeLive : mergeOffline)(merge, stage, context);
    await told(context, 'VERIFY_CHAIN', () => requireMerged(merge));
    return bytesMoved;
  } catch (error) {
    throw leaving(error, stage.left);
  }
}

/** Everybody who read the reader reads the target now, and it is over what it should be over. */
async function requireMerged(merge: Merge): Promise<void> {
  const { above, chain, runLength, readers } = merge;
  const target = targetOf(merge);
  await requireChain(merge.target ?? `volume ${merge.volumeId}`, [...above, target, ...chain.slice(runLength)]);
  if (!(await isOver(target, belowOf(merge)))) throw drifted(`${target.path} is not over the layer below the merged ones.`);
  if (!hasCommit(merge)) return;
  for (const reader of readers) if (!(await isOver(reader, target))) throw drifted(`${reader.path} does not read ${target.path}.`);
}
