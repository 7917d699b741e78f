/**
 * The watchers of earlier freezes of a machine: a watcher whose agent, or libvirt, went away tries until the guest answers. Once the guest is
 * thawed it is of no use any more, and would end the next freeze, ours or somebody else's. Must never be called while a freeze of ours is
 * wanted that has another watcher than `except`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { hasErrorCode } from '../failure.js';
import { THAWED_FOLDER } from './thaw-evidence.js';

/** Most end at their next try, and leave their evidence whole. */
const GRACE_MS = 3_000;
const LOOK_EVERY_MS = 20;

/** Which watchers are meant: those of this agent's state folder. `except`: the process of the freeze that is about to begin. */
export interface LeftWatchers {
  readonly stateDir: string;
  readonly machineUuid: string;
  readonly except?: number | undefined;
  readonly log: Logger;
}

/** To be called once the guest has said that it is thawed. Resolves when none is left: they ended by themselves, or were killed. */
export async function endLeftWatchers(left: LeftWatchers): Promise<void> {
  const began = performance.now();
  for (;;) {
    const pids = watchersOf(left);
    if (pids.length === 0) return;
    if (performance.now() - began > GRACE_MS) {
      left.log.warn(
        { machineUuid: left.machineUuid, pids },
        'a watcher of an earlier freeze still tries to thaw a guest that is thawed; it is ended',
      );
      pids.forEach(kill);
    }
    await sleep(LOOK_EVERY_MS);
  }
}

function watchersOf({ stateDir, machineUuid, except }: LeftWatchers): number[] {
  const evidenceOfOurs = join(stateDir, THAWED_FOLDER) + sep;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const [, program, , uuid, evidence] = commandLineOf(pid);
      return (
        pid !== except && program?.endsWith('/thaw-watcher.js') === true && uuid === machineUuid && evidence?.startsWith(evidenceOfOurs)
      );
    });
}

/** Empty for a process that is gone. */
function commandLineOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT') || hasErrorCode(error, 'ESRCH')) return [];
    throw error;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!hasErrorCode(error, 'ESRCH')) throw error;
  }
}
