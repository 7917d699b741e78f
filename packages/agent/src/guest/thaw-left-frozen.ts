import type { Logger } from 'pino';
import { CommandProblem, HypervisorLost } from '../failure.js';
import type { Hypervisor } from '../hypervisor/port.js';
import type { Journal } from '../journal/journal.js';
import type { FreezeEntry } from '../journal/state.js';
import { freezeStatus } from './freeze-guest.js';
import { evidenceOf, evidencePath, readEvidence, writeEvidence } from './thaw-evidence.js';

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
 * the journal; they are tried again when their agent says something and at the next start. Never throws for a guest.
 */
export async function thawLeftFrozen(parts: ThawParts, machineUuid?: string): Promise<void> {
  for (const freeze of parts.journal.state.freezes()) {
    if (machineUuid !== undefined && freeze.machineUuid !== machineUuid) continue;
    try {
      await thawOne(parts, freeze);
      await parts.journal.append({ kind: 'thaw-confirmed', machineUuid: freeze.machineUuid });
    } catch (error) {
      if (!(error instanceof CommandProblem) && !(error instanceof HypervisorLost)) throw error;
      parts.log.error({ err: error, machineUuid: freeze.machineUuid }, 'a guest that may be frozen does not answer; tried again later');
    }
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
  const path = evidencePath(stateDir, commandId);
  const seen = evidenceOf(machine.liveXml);
  const thawed = Number(await hypervisor.guestCommand(machineUuid, { execute: 'guest-fsfreeze-thaw', timeoutMs: ANSWER_MS }));
  // The watcher may be thawing at the same time; its evidence is as good, and older evidence is not written over.
  if (readEvidence(path) === null) writeEvidence(path, { ...seen, thawed });
  log.warn({ machineUuid, thawed }, 'thawed a guest that an earlier agent had left frozen');
}
