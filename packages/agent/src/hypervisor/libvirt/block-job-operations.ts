/** Block jobs as libvirt's calls. Each blocks its thread until libvirt answers; throws LibvirtCallError. */
import type { BlockJobCallAnswer, BlockJobCallArguments, BlockJobCallName } from './block-job-calls.js';
import { blockJobFunctions as jobs } from './block-job-ffi.js';
import { checked, type Domain, virFunctions as vir } from './ffi.js';

/** virDomainBlockCommitFlags. */
const COMMIT_BANDWIDTH_BYTES = 16;
/** virDomainBlockRebaseFlags. */
const REBASE_BANDWIDTH_BYTES = 64;
/** virDomainQemuMonitorCommandFlags. */
const MONITOR_HMP = 1;
/** virDomainBlockJobInfo: int type; unsigned long bandwidth; unsigned long long cur, end. The rest is room to grow. */
const JOB_INFO_BYTES = 256;

type Operations = { [Name in BlockJobCallName]: (argument: BlockJobCallArguments[Name]) => BlockJobCallAnswer<Name> };

/** The operations over one connection. */
export function blockJobOperations(host: { withDomain: <T>(uuid: string, use: (domain: Domain) => T) => T }): Operations {
  return {
    blockCommit: ({ uuid, target, top, base, bytesPerSecond }) =>
      host.withDomain(uuid, (domain) => {
        checked(jobs.commit(domain, target, base, top, bytesPerSecond, COMMIT_BANDWIDTH_BYTES));
        return null;
      }),
    blockPull: ({ uuid, target, base, bytesPerSecond }) =>
      host.withDomain(uuid, (domain) => {
        checked(jobs.rebase(domain, target, base, bytesPerSecond, REBASE_BANDWIDTH_BYTES));
        return null;
      }),
    blockJob: ({ uuid, target }) => host.withDomain(uuid, (domain) => jobOf(domain, target)),
    abortBlockJob: ({ uuid, target }) =>
      host.withDomain(uuid, (domain) => {
        if (jobOf(domain, target) !== null) checked(jobs.abort(domain, target, 0));
        return null;
      }),
    humanMonitor: ({ uuid, command }) =>
      host.withDomain(uuid, (domain) => {
        const answer: [string | null] = [null];
        checked(vir.monitorCommand(domain, command, answer, MONITOR_HMP));
        return answer[0] ?? '';
      }),
  };
}

function jobOf(domain: Domain, target: string): BlockJobCallAnswer<'blockJob'> {
  const info = Buffer.alloc(JOB_INFO_BYTES);
  if (checked(vir.blockJobInfo(domain, target, info, 0)) !== 1) return null;
  return { done: Number(info.readBigUInt64LE(16)), total: Number(info.readBigUInt64LE(24)) };
}
