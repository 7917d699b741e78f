import { CommandProblem } from '../../failure.js';
import type { BlockCommit, BlockJob, BlockJobs, BlockPull } from '../block-job-port.js';
import { deviceOn } from './query-block.js';
import type { ChildLink } from './child-link.js';

/** Longer than libvirt's own 30 s wait for its lock, so that its own error arrives first. */
const CHANGE_DEADLINE_MS = 45_000;
/** A flush waits for storage: what was copied may lie in its caches. */
const FLUSH_DEADLINE_MS = 600_000;

/** The BlockJobs port over libvirt. */
export class LibvirtBlockJobs implements BlockJobs {
  constructor(private readonly link: ChildLink) {}

  async commit({ uuid, target, top, base, bytesPerSecond }: BlockCommit): Promise<void> {
    const options = { doing: `commit layers of disk ${target} of machine ${uuid}`, deadlineMs: CHANGE_DEADLINE_MS };
    const request = { uuid, target, top, base, bytesPerSecond: bytesPerSecond ?? 0 };
    await this.link.call('blockCommit', request, options);
  }

  async pull({ uuid, target, base, bytesPerSecond }: BlockPull): Promise<void> {
    const options = { doing: `pull layers of disk ${target} of machine ${uuid} into its head`, deadlineMs: CHANGE_DEADLINE_MS };
    const request = { uuid, target, base, bytesPerSecond: bytesPerSecond ?? 0 };
    await this.link.call('blockPull', request, options);
  }

  running(uuid: string, target: string): Promise<BlockJob | null> {
    const options = { doing: `tell of the job on disk ${target} of machine ${uuid}`, deadlineMs: CHANGE_DEADLINE_MS };
    return this.link.call('blockJob', { uuid, target }, options);
  }

  async flush(uuid: string, path: string): Promise<void> {
    const options = { doing: `write down what QEMU holds of ${path}`, deadlineMs: FLUSH_DEADLINE_MS };
    const device = deviceOn(await this.link.call('queryBlock', { uuid }, options), path);
    if (device === null) throw new CommandProblem({ code: 'MACHINE_DRIFTED', message: `No disk of machine ${uuid} is on ${path}.` });
    const said = await this.link.call('humanMonitor', { uuid, command: `qemu-io -d ${device} flush` }, options);
    if (said.trim() !== '') throw new CommandProblem({ code: 'IO_ERROR', retryable: true, message: `QEMU did not flush ${path}: ${said}` });
  }

  async abort(uuid: string, target: string): Promise<void> {
    const options = { doing: `end the job on disk ${target} of machine ${uuid}`, deadlineMs: CHANGE_DEADLINE_MS };
    await this.link.call('abortBlockJob', { uuid, target }, options);
  }
}
