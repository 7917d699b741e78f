/** How fast a host saves memory, by what it did lately. */
import { commandOutcome } from '@coppice/protocol';
import type { Reader } from '../../platform/database.js';

/** So many of a host's last snapshots are looked at for saves of memory; older ones wrote to other disks. */
const SNAPSHOTS = 20;

/** How long saving so many bytes of memory should take on a host, in seconds; null where it has saved none lately. */
export async function secondsToSave(reader: Reader, hostId: string, bytes: number): Promise<number | null> {
  const rows = await reader.command.findMany({
    where: { hostId, verb: 'freeze-layers', state: 'FINISHED', sentAt: { not: null } },
    orderBy: { number: 'desc' },
    take: SNAPSHOTS,
    select: { outcome: true, sentAt: true, finishedAt: true },
  });
  let saved = 0;
  let seconds = 0;
  for (const { outcome, sentAt, finishedAt } of rows) {
    const parsed = commandOutcome.safeParse(outcome);
    if (!parsed.success || parsed.data.kind !== 'done' || parsed.data.result.verb !== 'freeze-layers' || !sentAt || !finishedAt) continue;
    if (parsed.data.result.memoryBytes === null) continue;
    saved += parsed.data.result.memoryBytes;
    seconds += (finishedAt.getTime() - sentAt.getTime()) / 1000;
  }
  return saved === 0 ? null : (bytes * seconds) / saved;
}
