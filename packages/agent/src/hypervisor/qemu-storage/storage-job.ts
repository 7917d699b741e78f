import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { StorageDaemon } from './storage-daemon.js';

/** Pauses between two looks at a job: a small merge is over in milliseconds, a large one needs no more than 5 looks a second. */
const LOOK_MS = { first: 2, longest: 200, factor: 1.5 } as const;
const JOB = 'job';

const jobs = z.array(
  z.object({
    id: z.string(),
    status: z.string(),
    'current-progress': z.int(),
    'total-progress': z.int(),
    error: z.string().optional(),
  }),
);

/** What a job is begun with, and who watches it. `onProgress`: in QEMU's own count, which is not bytes moved for every kind of job. */
export interface StorageJob {
  readonly command: 'block-commit' | 'block-stream' | 'blockdev-backup';
  readonly argument: Record<string, unknown>;
  readonly cancelled: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** How a job ended. `error` is QEMU's own text. */
export type JobEnd = { kind: 'done' } | { kind: 'cancelled' } | { kind: 'failed'; error: string };

/** Runs one job to its end; a cancelled one that was done by then is done. Throws QmpRefusal if it cannot begin, QmpLost if QEMU is gone. */
export async function runJob(daemon: StorageDaemon, job: StorageJob): Promise<JobEnd> {
  await daemon.execute(job.command, { ...job.argument, 'job-id': JOB, 'auto-dismiss': false });
  let isCancelling = false;
  let isCompleting = false;
  for (let pauseMs: number = LOOK_MS.first; ; pauseMs = Math.min(pauseMs * LOOK_MS.factor, LOOK_MS.longest)) {
    const state = jobs.parse(await daemon.execute('query-jobs')).find(({ id }) => id === JOB);
    if (state === undefined) return { kind: 'failed', error: 'the job is gone' };
    job.onProgress(state['current-progress'], state['total-progress']);
    if (state.status === 'concluded') {
      await daemon.execute('job-dismiss', { id: JOB });
      if (state.error === undefined) return { kind: 'done' };
      return isCancelling ? { kind: 'cancelled' } : { kind: 'failed', error: state.error };
    }
    // A commit from the topmost layer waits there, with everything copied.
    if (state.status === 'ready' && !isCompleting) {
      isCompleting = true;
      await daemon.execute('job-complete', { id: JOB });
    } else if (job.cancelled.aborted && !isCancelling && !isCompleting) {
      isCancelling = true;
      await daemon.execute('job-cancel', { id: JOB });
    }
    await sleep(pauseMs);
  }
}
