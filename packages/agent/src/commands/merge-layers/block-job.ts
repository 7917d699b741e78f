import { setTimeout as sleep } from 'node:timers/promises';
import { CommandProblem } from '../../failure.js';
import type { CommandContext } from '../context.js';
import type { BlockJob } from '../../hypervisor/block-job-port.js';
import type { DataRange } from '../../inventory/encode-extents.js';
import { lookAtChain } from './live-chain.js';
import { hasCommit, type Merge } from './merge.js';
import { bytesBelow, bytesOf } from './merge-cost.js';

/** Pauses between two looks at a job: libvirt answers each in about a millisecond. */
const LOOK_MS = { first: 10, longest: 250, factor: 1.5 } as const;

/** libvirt knows of a QEMU's death after a second or two (lab.md §2). */
const DYING_MS = 5_000;

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

/** How a job's way over the disk is told in bytes of data. */
export interface JobBytes {
  readonly bytesTotal: number;
  readonly bytesDone: (job: BlockJob) => number;
}

/** By what the layers hold: a job counts its way over the disk, whether there is anything to copy or not. */
export function bytesByRanges(ranges: readonly DataRange[]): JobBytes {
  return { bytesTotal: bytesOf(ranges), bytesDone: ({ done }) => bytesBelow(ranges, done) };
}

/** Of a job that was found running: the layer that it commits into cannot be looked at meanwhile. */
export function bytesByShare(bytesTotal: number): JobBytes {
  return { bytesTotal, bytesDone: ({ done, total }) => (total === 0 ? 0 : Math.floor((bytesTotal * done) / total)) };
}

/** Waits until no job runs on the disk, tells how far it is, and ends it if the command is cancelled. How it ended is the caller's to look up. */
export async function watchBlockJob(merge: Merge, { bytesTotal, bytesDone }: JobBytes, context: CommandContext): Promise<void> {
  const { machineUuid, target } = merge;
  const { blockJobs } = context.hypervisor;
  const step = hasCommit(merge) ? 'COMMIT_LAYER' : 'PULL_LAYER';
  context.progress(step, 'RUNNING', { target });
  for (let pauseMs: number = LOOK_MS.first; ; pauseMs = Math.min(pauseMs * LOOK_MS.factor, LOOK_MS.longest)) {
    const job = await ofLivingMachine(merge, context, () => blockJobs.running(machineUuid, target ?? ''));
    if (job === null) return;
    const soFar = bytesDone(job);
    context.progress(step, 'RUNNING', { target, bytesDone: soFar, bytesTotal });
    if (soFar > 0 && soFar < bytesTotal) context.crash('merge-layers/copying');
    if (context.cancelled.aborted) await ofLivingMachine(merge, context, () => blockJobs.abort(machineUuid, target ?? ''));
    await sleep(pauseMs);
  }
}

/**
 * What libvirt answers. A QEMU that dies makes it refuse in many words, some moments before it knows itself that the machine is off: then
 * that is the problem.
 */
export async function ofLivingMachine<T>(merge: Merge, context: CommandContext, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof CommandProblem) || (error.code !== 'INTERNAL' && error.code !== 'MACHINE_STATE')) throw error;
    const deadline = performance.now() + DYING_MS;
    while (performance.now() < deadline) {
      await lookAtChain(merge, context);
      await sleep(LOOK_MS.longest);
    }
    throw error;
  }
}
