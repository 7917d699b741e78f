import { CommandProblem } from '../../failure.js';
import type { BlockCommit, BlockJob, BlockJobs, BlockPull } from '../block-job-port.js';
import type { ChildLink } from './child-link.js';

/** Longer than libvirt's own 30 s wait for its lock, so that its own error arrives first. */
const CHANGE_DEADLINE_MS = 45_000;

/** The BlockJobs port over libvirt. */
export class LibvirtBlockJobs implements BlockJobs {
  constructor(private readonly link: ChildLink) {}

  async commit({ uuid, target, top, base, bytesPerSecond }: BlockCommit): Promise<void> {
    const options = { doing: `commit layers of disk ${target} of machine ${uuid}`, deadlineMs: CHANGE_DEADLINE_MS };
    const request = { uuid, target, top, base, bytesPerSecond: bytesPerSecond ?? 0 };
    await relativeIfItCan((isRelative) => this.link.call('blockCommit', { ...request, isRelative }, options));
  }

  async pull({ uuid, target, base, bytesPerSecond }: BlockPull): Promise<void> {
    const options = { doing: `pull layers of disk ${target} of machine ${uuid} into its head`, deadlineMs: CHANGE_DEADLINE_MS };
    const request = { uuid, target, base, bytesPerSecond: bytesPerSecond ?? 0 };
    const pull = (isRelative: boolean) => this.link.call('blockPull', { ...request, isRelative }, options);
    // Without a base there is no name to be kept, and libvirt refuses the flag.
    await (base === null ? pull(false) : relativeIfItCan(pull));
  }

  running(uuid: string, target: string): Promise<BlockJob | null> {
    const options = { doing: `tell of the job on disk ${target} of machine ${uuid}`, deadlineMs: CHANGE_DEADLINE_MS };
    return this.link.call('blockJob', { uuid, target }, options);
  }

  async abort(uuid: string, target: string): Promise<void> {
    const options = { doing: `end the job on disk ${target} of machine ${uuid}`, deadlineMs: CHANGE_DEADLINE_MS };
    await this.link.call('abortBlockJob', { uuid, target }, options);
  }
}

/** An adopted chain may have been made with absolute names: libvirt then cannot keep what is not there, and says so before it begins. */
async function relativeIfItCan(begin: (isRelative: boolean) => Promise<unknown>): Promise<void> {
  try {
    await begin(true);
  } catch (error) {
    if (!(error instanceof CommandProblem) || !/relative backing/i.test(error.message)) throw error;
    await begin(false);
  }
}
