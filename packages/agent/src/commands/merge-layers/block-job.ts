import { setTimeout as sleep } from 'node:timers/promises';
import { CommandProblem } from '../../failure.js';
import type { CommandContext } from '../context.js';
import { hasCommit, type Merge } from './merge.js';
import { bytesBelow, bytesOf, type MergeCost } from './merge-cost.js';

/** Pauses between two looks at a job: libvirt answers each in about a millisecond. */
const LOOK_MS = { first: 10, longest: 250, factor: 1.5 } as const;

/** Throws MACHINE_BUSY while the machine has a job: libvirt would wait 30 s for it, or refuse. */
export async function requireNoOtherJob({ machineUuid, target }: Merge, { hypervisor }: CommandContext): Promise<void> {
  const job = await hypervisor.busyWith(machineUuid, target === null ? [] : [target]);
  if (job === null) return;
  throw new CommandProblem({
    code: 'MACHINE_BUSY',
    retryable: true,
    message: `Machine ${machineUuid} is busy with ${job}. Nothing was changed.`,
    hint: 'Retry when it is done.',
  });
}

/** Waits until no job runs on the disk, tells how far it is, and ends it if the command is cancelled. How it ended is the caller's to look up. */
export async function watchBlockJob(merge: Merge, cost: MergeCost, context: CommandContext): Promise<void> {
  const { machineUuid, target } = merge;
  const { blockJobs } = context.hypervisor;
  const disk = target ?? '';
  const step = hasCommit(merge) ? 'COMMIT_LAYER' : 'PULL_LAYER';
  const ranges = hasCommit(merge) ? cost.commit : cost.pull;
  const bytesTotal = bytesOf(ranges);
  context.progress(step, 'RUNNING', { target });
  for (let pauseMs: number = LOOK_MS.first; ; pauseMs = Math.min(pauseMs * LOOK_MS.factor, LOOK_MS.longest)) {
    const job = await blockJobs.running(machineUuid, disk);
    if (job === null) break;
    // Both kinds count their way over the disk, whether there is anything to copy or not.
    const bytesDone = bytesBelow(ranges, job.done);
    context.progress(step, 'RUNNING', { target, bytesDone, bytesTotal });
    if (bytesDone > 0 && bytesDone < bytesTotal) context.crash('merge-layers/copying');
    if (context.cancelled.aborted) await blockJobs.abort(machineUuid, disk);
    await sleep(pauseMs);
  }
  context.progress(step, 'SUCCEEDED', { target, bytesDone: bytesTotal, bytesTotal });
}
