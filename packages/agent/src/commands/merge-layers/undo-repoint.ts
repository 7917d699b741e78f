import { repointImage } from '../../hypervisor/qemu-storage/repoint-image.js';
import type { CommandContext } from '../context.js';
import { belowOf, hasCommit, hasPull, type Merge, type MergedLayer, readerOf, targetOf } from './merge.js';
import { isOver } from './merge-state.js';

/**
 * QEMU writes the new backing name into a header before the tables that say where the copied data is: killed in between, the chain is shorter
 * and what was copied is not in it (seen with QEMU 7.2: a pull that was done and not flushed lost everything it had pulled). The layers
 * below are still there, and over them the content is whole whatever part of the copy is: so a header that nobody saw settled goes back.
 * Only while no machine has the layers open.
 */
export async function undoUnsettled(merge: Merge, context: CommandContext): Promise<void> {
  const target = targetOf(merge);
  const next = merge.chain[merge.into + 1];
  if (hasPull(merge) && next !== undefined && (await isOver(target, belowOf(merge)))) await putBack(target, next, context);
  // Inside the chain of a machine, QEMU itself re-pointed the layer above; on a head nothing may go back, it was written since.
  const above = merge.above.at(-1);
  if (merge.how === 'LIVE' && hasCommit(merge) && above !== undefined && (await isOver(above, target)))
    await putBack(above, readerOf(merge), context);
}

/** The same where something failed already: that is what is to be told, and the next command begins with this. */
export async function tryToUndo(merge: Merge, context: CommandContext): Promise<void> {
  try {
    await undoUnsettled(merge, context);
  } catch (error) {
    context.log.error({ err: error }, 'a header that is ahead of its data could not be put back; the next merge tries it again');
  }
}

async function putBack({ path }: MergedLayer, backing: MergedLayer, context: CommandContext): Promise<void> {
  context.log.warn({ path, backing: backing.path }, 'a copy ended without being settled: its layer reads what it read before');
  await repointImage(path, backing);
}
