import { repointImage } from '../../hypervisor/qemu-storage/repoint-image.js';
import { withSources } from '../../definition/domain-xml.js';
import type { CommandContext } from '../context.js';
import { fileOfDisk } from '../expected-chain.js';
import { viewMachine } from '../machine-view.js';
import { hasCommit, isHead, type Merge, type Stage, targetOf } from './merge.js';
import { isOver } from './merge-state.js';

/** Lets everything that read the reader read the target, which shows the same. From the first on, only forward is legal. */
export async function repointReaders(merge: Merge, stage: Stage, context: CommandContext): Promise<void> {
  if (!hasCommit(merge)) return;
  const target = targetOf(merge);
  for (const reader of merge.readers) {
    if (await isOver(reader, target)) continue;
    stage.left = 'REPOINTED';
    context.progress('REBASE_LAYER', 'RUNNING', { target: merge.target });
    await repointImage(reader.path, target);
    context.progress('REBASE_LAYER', 'SUCCEEDED', { target: merge.target });
    context.crash('merge-layers/after-first-repoint');
  }
}

/**
 * Puts the persistent definition on the target where it was on the reader, and takes every spelled chain out of it: libvirt would open
 * layers that are to go (kvm.md §3).
 */
export async function switchDefinition(merge: Merge, stage: Stage, context: CommandContext): Promise<void> {
  const { target: disk, machineUuid, above } = merge;
  if (disk === null) return;
  const { inactive, inactiveXml } = await viewMachine(context.hypervisor, machineUuid);
  const file = await fileOfDisk(inactive, disk);
  // A disk that was attached to the running machine only is in no persistent definition.
  const head = file === null ? undefined : isHead(merge) ? targetOf(merge) : above[0];
  const isRight = head === undefined || file === head.path;
  if (isRight && !inactiveXml.includes('<backingStore')) return;
  context.crash('merge-layers/before-define');
  if (!isRight) stage.left = 'REPOINTED';
  await context.hypervisor.define(withSources(inactiveXml, new Map(head === undefined ? [] : [[disk, head]])));
}
