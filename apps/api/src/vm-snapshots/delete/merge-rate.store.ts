import { commandOutcome } from '@coppice/protocol';
import type { Reader } from '../../platform/database.js';

/** So many of a host's last merges say how fast it is; older ones ran on other disks. */
const MERGES = 20;
/** What a merge costs beside its bytes, in seconds: checks, re-pointing, a look at the disk. */
const SECONDS_OF_NO_BYTE = 2;

/** How long so many bytes should take on a host by what its last merges took; null where it has made none that says anything. */
export async function estimatedSeconds(reader: Reader, hostId: string, bytes: number): Promise<number | null> {
  if (bytes === 0) return SECONDS_OF_NO_BYTE;
  const rows = await reader.command.findMany({
    where: { hostId, verb: 'merge-layers', state: 'FINISHED', sentAt: { not: null } },
    orderBy: { number: 'desc' },
    take: MERGES,
    select: { outcome: true, sentAt: true, finishedAt: true },
  });
  let moved = 0;
  let seconds = 0;
  for (const { outcome, sentAt, finishedAt } of rows) {
    const parsed = commandOutcome.safeParse(outcome);
    if (!parsed.success || parsed.data.kind !== 'done' || parsed.data.result.verb !== 'merge-layers' || !sentAt || !finishedAt) continue;
    moved += parsed.data.result.bytesMoved;
    seconds += (finishedAt.getTime() - sentAt.getTime()) / 1000;
  }
  return moved === 0 ? null : Math.ceil(SECONDS_OF_NO_BYTE + (bytes * seconds) / moved);
}
