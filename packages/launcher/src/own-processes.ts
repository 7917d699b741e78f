import { readdirSync, readFileSync } from 'node:fs';
import { commandLineOf, identifyProcess, type ProcessIdentity } from '@coppice/lab';

/** The environment variable that marks what a launcher started: `<run folder>#<name>`. */
export const MARK = 'COPPICE_SUPERVISED';

/** Which program a marked process must be: its children inherit the mark, but are not ours to end. */
export interface OwnProgram {
  readonly name: string;
  readonly script: string;
}

/**
 * Processes that an earlier launcher of this run folder started and left. The proof is in the process itself: its mark and its script. (A list on disk
 * would miss the one that was started just before the launcher was killed, and could name a pid that is somebody else's by now.)
 */
export function findOwnProcesses(runDir: string, program: OwnProgram): readonly ProcessIdentity[] {
  const mark = `${MARK}=${runDir}#${program.name}`;
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .flatMap((pid) => {
      const identity = identifyProcess(pid);
      const isOwn = environmentOf(pid).includes(mark) && commandLineOf(pid)?.includes(program.script) === true;
      return identity !== undefined && isOwn ? [identity] : [];
    });
}

/** The parent's pid, undefined if the process is gone. */
export function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch (error) {
    // Another user's process: not readable, and so not ours.
    if (isGone(error)) return [];
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(String(error.code));
}
