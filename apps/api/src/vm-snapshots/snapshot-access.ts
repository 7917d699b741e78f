/** Who may do something with a VM snapshot. */
import type { Principal } from '../access/principal.js';
import { type Outcome, refused } from '../errors/refusal.js';
import { checkAccess } from '../machines/check-machine.js';
import type { MachineFacts } from '../machines/machine-facts.store.js';

/** Another project's snapshot is NOT_FOUND, like one that is not there, in the same words. `field`: of the input. */
export function noSuchSnapshot(field: string) {
  const message = 'There is no such snapshot, or it is in none of your projects.';
  return refused({ code: 'NOT_FOUND', message, path: [field] });
}

/** Answers the project of the snapshot's machine where the caller is its OPERATOR. `what`: what is asked for, e.g. "Cloning a snapshot". */
export function checkSnapshotAccess(
  principal: Principal,
  facts: MachineFacts | null,
  { what, field }: { what: string; field: string },
): Outcome<string> {
  const access = checkAccess(principal, facts, { role: 'OPERATOR', what, path: [field] });
  return !access.ok && access.refusals[0].code === 'NOT_FOUND' ? noSuchSnapshot(field) : access;
}
