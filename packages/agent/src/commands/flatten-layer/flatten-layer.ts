/**
 * flatten-layer: a head gets what it reads from below, down to a layer that becomes its backing, or all of it. It is the merge of a run into
 * its first layer in which everything else of the run goes on being read by others: nothing is spoiled, re-pointed or given up.
 */
import type { CommandBody, CommandResult } from '@coppice/protocol';
import { readImage } from '../../hypervisor/qemu-storage/image-file.js';
import type { CommandContext } from '../context.js';
import { viewMachine } from '../machine-view.js';
import { type Merge, planMerge, targetOf } from '../merge-layers/merge.js';
import { performMerge } from '../merge-layers/merge-layers.js';

type Body = Extract<CommandBody, { verb: 'flatten-layer' }>;

/** See the file's head. Throws as merge-layers does, with nothing left. */
export async function flattenLayer(body: Body, context: CommandContext): Promise<CommandResult> {
  const merge = await planFlatten(body, context);
  context.progress('FLATTEN_LAYER', 'RUNNING', { target: body.target });
  // The layer right below the head stays its backing: there is nothing between the two.
  const bytesMoved = merge.runLength === 1 ? 0 : await performMerge(merge, context);
  const { allocatedBytes } = await readImage(targetOf(merge).path, targetOf(merge).format);
  context.progress('FLATTEN_LAYER', 'SUCCEEDED', { target: body.target });
  return { verb: 'flatten-layer', bytesMoved, allocatedBytes };
}

async function planFlatten(body: Body, context: CommandContext): Promise<Merge> {
  const { machineUuid, volumeId, target, chain, downTo, bytesPerSecond } = body;
  const isLive = target !== null && (await viewMachine(context.hypervisor, machineUuid)).facts.power !== 'OFF';
  const how = isLive ? 'LIVE' : 'OFFLINE';
  const run = { above: [], chain, runLength: downTo, into: 0, readers: [] };
  return planMerge({ machineUuid, volumeId, how, target, bytesPerSecond, ...run }, context);
}
