/** Processes of this host that are not our children any more: an earlier agent started them. Known by what their command line says. */
import { readFileSync } from 'node:fs';
import { hasErrorCode } from './failure.js';

/** Its arguments, the program first; empty for a process that is gone. */
export function commandLineOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT') || hasErrorCode(error, 'ESRCH')) return [];
    throw error;
  }
}

/** Nothing happens if it ended by itself just now. */
export function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!hasErrorCode(error, 'ESRCH')) throw error;
  }
}
