import { readFileSync } from 'node:fs';

/**
 * Names one process for ever: pids are used again, a pid together with its start time (clock ticks since boot, field 22 of /proc/PID/stat)
 * and the boot it belongs to is not.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: string;
  readonly bootId: string;
}

/** The identity of a running process, undefined if there is none of that pid (a zombie counts as none). */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  const fields = stat === undefined ? undefined : parseStat(stat);
  if (fields === undefined || fields.state === 'Z' || fields.state === 'X') return undefined;
  return { pid, startTicks: fields.startTicks, bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() };
}

/** Whether exactly that process still runs. */
export function isSameProcess(identity: ProcessIdentity): boolean {
  const now = identifyProcess(identity.pid);
  return now !== undefined && now.startTicks === identity.startTicks && now.bootId === identity.bootId;
}

/** The command line of a running process as an array, undefined if it is gone. */
export function commandLineOf(pid: number): readonly string[] | undefined {
  return readIfThere(`/proc/${pid}/cmdline`)?.split('\0').slice(0, -1);
}

/** State letter and start time of one /proc/PID/stat line; the program's name in it may hold blanks and brackets. */
export function parseStat(line: string): { readonly state: string; readonly startTicks: string } | undefined {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  return state === undefined || startTicks === undefined ? undefined : { state, startTicks };
}

/** Ends exactly that process: the signal, then SIGKILL after `graceMs`. Returns once it is gone; throws if even SIGKILL did not help in 10 s. */
export async function endProcess(identity: ProcessIdentity, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  if (await signalAndWait(identity, signal, graceMs)) return;
  if (await signalAndWait(identity, 'SIGKILL', 10_000)) return;
  throw new Error(
    `process ${identity.pid} is still there 10 s after SIGKILL; it may hang in the kernel on storage. End it by hand, then try again.`,
  );
}

async function signalAndWait(identity: ProcessIdentity, signal: NodeJS.Signals, waitMs: number): Promise<boolean> {
  const deadline = performance.now() + waitMs;
  if (isSameProcess(identity)) process.kill(identity.pid, signal);
  while (isSameProcess(identity)) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // ESRCH: the process ended between open and read.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return undefined;
    throw error;
  }
}
