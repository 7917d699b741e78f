/** Whether a machine may be started or stopped now. Pure. */
import { done, type Outcome, type Refusal, refused } from '../../errors/refusal.js';
import { checkRepointed } from '../../vm-snapshots/check-repointed.js';
import { wholeMachine } from '../claimed-by-machine.js';
import { checkDrift, checkFree, checkHost } from '../check-machine.js';
import { type ExpectedDisk, expectedDisks } from '../expected-disks.js';
import type { MachineFacts } from '../machine-facts.store.js';

/** What is going to be done. `disks`: what the definition must be on; `files`: whose files QEMU opens or closes. */
export type PowerDecision = { disks: ExpectedDisk[]; files: string[] };

/** Starting resumes a saved state, which is what that is for. */
const START_TOLERATES = ['MANAGED_SAVE'];

/** A stopped machine whose disks are as recorded may start; a paused one goes on. */
export function decideStart(facts: MachineFacts): Outcome<PowerDecision> {
  const refusal =
    checkFree(facts) ??
    checkRepointed(facts) ??
    checkDrift(facts, START_TOLERATES) ??
    checkPower(facts, { needed: ['OFF', 'PAUSED'], what: 'started' }) ??
    checkHost(facts, []);
  return refusal ? refused(refusal) : done({ disks: expectedDisks(facts), files: wholeMachine(facts) });
}

/**
 * A machine that runs may stop, also one that drifted: what is wrong with its definition can mostly be repaired only while it is off. Only
 * a sound one is checked for its disks.
 */
export function decideStop(facts: MachineFacts, force: boolean): Outcome<PowerDecision> {
  const refusal =
    checkFree(facts) ?? checkThere(facts) ?? checkPower(facts, { needed: ['ON', 'PAUSED'], what: 'stopped' }) ?? checkHost(facts, []);
  if (refusal) return refused(refusal);
  if (facts.machine.powerState === 'PAUSED' && !force) {
    const message = 'The guest is paused and cannot be asked to stop. Stop it with force, or resume it first.';
    return refused({ code: 'MACHINE_STATE', message, path: ['force'] });
  }
  return done({ disks: facts.driftCodes === null ? expectedDisks(facts) : [], files: wholeMachine(facts) });
}

function checkThere({ driftCodes }: MachineFacts): Refusal | null {
  if (!driftCodes?.includes('DOMAIN_MISSING')) return null;
  return { code: 'MACHINE_DRIFTED', message: 'The host does not have this machine any more, so there is nothing to stop. Reconcile it.' };
}

function checkPower({ machine }: MachineFacts, { needed, what }: { needed: readonly string[]; what: string }): Refusal | null {
  if (needed.includes(machine.powerState)) return null;
  return { code: 'MACHINE_STATE', message: `The machine is ${machine.state}, so it cannot be ${what}.` };
}
