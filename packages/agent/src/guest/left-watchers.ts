/**
 * The watchers of earlier freezes of a machine: a watcher whose agent, or libvirt, went away tries until the guest answers. Once the guest is
 * thawed it is of no use any more, and would end the next freeze, ours or somebody else's. Must never be called while a freeze of ours is
 * wanted that has another watcher than `except`.
 */
import { readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { CommandProblem } from '../failure.js';
import { commandLineOf, signalIfThere } from '../other-processes.js';
import { THAWED_FOLDER } from './thaw-evidence.js';

/** Most end at their next try, and leave their evidence whole. */
const GRACE_MS = 3_000;
/** Until a killed one is gone. */
const KILL_MS = 10_000;
const LOOK_EVERY_MS = 20;

/** Which watchers are meant: those of this agent's state folder. `except`: the process of the freeze that is about to begin. */
export interface LeftWatchers {
  readonly stateDir: string;
  readonly machineUuid: string;
  readonly except?: number | undefined;
  readonly log: Logger;
}

/**
 * To be called once the guest has said that it is thawed. Resolves when none is left: they ended by themselves, or were killed. Throws
 * HOST_UNAVAILABLE if one outlives even that.
 */
export async function endLeftWatchers(left: LeftWatchers): Promise<void> {
  if (await areGoneWithin(GRACE_MS, left)) return;
  const pids = watchersOf(left);
  const { log, machineUuid } = left;
  log.warn({ machineUuid, pids }, 'a watcher of an earlier freeze still tries to thaw a guest that is thawed; it is ended');
  for (const pid of pids) signalIfThere(pid, 'SIGKILL');
  if (await areGoneWithin(KILL_MS, left)) return;
  throw new CommandProblem({
    code: 'HOST_UNAVAILABLE',
    retryable: true,
    message: `A process that would end the freeze of machine ${machineUuid} does not end itself (${watchersOf(left).join(', ')}), so the guest was not frozen. Nothing was changed.`,
    hint: 'It may hang in the kernel on storage. Try again when it is gone, or take the snapshot without quiesce.',
  });
}

async function areGoneWithin(ms: number, left: LeftWatchers): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (watchersOf(left).length > 0) {
    if (performance.now() > deadline) return false;
    await sleep(LOOK_EVERY_MS);
  }
  return true;
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
