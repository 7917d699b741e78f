import { stat } from 'node:fs/promises';
import { onStorage } from '../../hypervisor/qemu-storage/storage-gate.js';
import { type CommandContext, notesOf } from '../context.js';
import { type Merge, readerOf } from './merge.js';

/** Journals that the target shows what the reader shows, and that the target is durable. */
export async function noteCopied(context: CommandContext, merge: Merge, bytesMoved: number): Promise<void> {
  await context.note('copied', { bytesMoved: String(bytesMoved), reader: await stampOf(merge) });
}

/** Bytes that an earlier try of this command copied, if its copy is still good: the reader has not been written since. Null if there is none. */
export async function copiedBefore(context: CommandContext, merge: Merge): Promise<number | null> {
  const detail = notesOf(context, 'copied').at(-1)?.detail;
  if (detail === undefined || detail['reader'] !== (await stampOf(merge))) return null;
  return Number(detail['bytesMoved'] ?? 0);
}

/** Changes when the reader is written: somebody may have started a machine on it while no agent looked. */
function stampOf(merge: Merge): Promise<string> {
  const { path } = readerOf(merge);
  return onStorage(`look at ${path}`, async () => {
    const { mtimeNs, size } = await stat(path, { bigint: true });
    return `${mtimeNs}/${size}`;
  });
}
