import type { Logger } from 'pino';
import { CommandProblem } from '../failure.js';
import type { Hypervisor } from '../hypervisor/port.js';
import type { Journal } from '../journal/journal.js';
import type { FreezeEntry } from '../journal/state.js';
import { freezeStatus } from './freeze-status.js';
import { endLeftWatchers } from './left-watchers.js';
import { evidencePath, writeEvidence } from './thaw-evidence.js';

const ANSWER_MS = 6_000;

/** What thawing needs. */
export interface ThawParts {
  readonly hypervisor: Hypervisor;
  readonly journal: Journal;
  readonly stateDir: string;
  readonly log: Logger;
}

/**
 * Ends every freeze that the journal knows as begun and not as over: what an agent that died left behind. Guests that do not answer stay in
 * the journal; they are tried again now and then, and when their agent says something. Never throws for a guest. Must run in the
 * machine's turn: a freeze of a command at work is not left.
 */
export async function thawLeftFrozen(parts: ThawParts, machineUuid?: string): Promise<void> {
  for (const freeze of parts.journal.state.freezes()) {
    if (machineUuid !== undefined && freeze.machineUuid !== machineUuid) continue;
    if (await isThawed(parts, freeze)) await parts.journal.append({ kind: 'thaw-confirmed', machineUuid: freeze.machineUuid });
  }
}

async function isThawed(parts: ThawParts, freeze: FreezeEntry): Promise<boolean> {
  try {
    await thawOne(parts, freeze);
    await endLeftWatchers({ ...parts, machineUuid: freeze.machineUuid });
    return true;
  } catch (error) {
    parts.log.error({ err: error, machineUuid: freeze.machineUuid }, 'a guest that may be frozen does not answer; tried again later');
    return false;
  }
}

async function thawOne({ hypervisor, stateDir, log }: ThawParts, { machineUuid, commandId }: FreezeEntry): Promise<void> {
  const machine = await hypervisor.describeMachine(machineUuid).catch((error: unknown) => {
    if (error instanceof CommandProblem && error.code === 'NOT_FOUND') return null;
    throw error;
  });
  // A machine that is off, or gone, holds nothing frozen.
  if (machine === null || machine.power === 'OFF') return;
  if ((await freezeStatus(hypervisor, machineUuid, ANSWER_MS)) === 'thawed') return;
  const thawed = Number(await hypervisor.guestCommand(machineUuid, { execute: 'guest-fsfreeze-thaw', timeoutMs: ANSWER_MS }));
  writeEvidence(evidencePath(stateDir, commandId), { liveXml: machine.liveXml, thawed });
  log.warn({ machineUuid, thawed }, 'thawed a guest that an earlier agent had left frozen');
}
