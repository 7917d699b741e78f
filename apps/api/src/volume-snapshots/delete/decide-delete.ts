/** Whether a volume snapshot may be removed now. Pure. */
import type { Principal } from '../../access/principal.js';
import { refusalFor } from '../../access/refusals.js';
import type { Refusal } from '../../errors/refusal.js';
import { checkFree, checkHost } from '../../machines/check-machine.js';
import type { MachineFacts } from '../../machines/machine-facts.store.js';

/** As far as its removal is concerned. */
type Doomed = { name: string; projectId: string; state: string; locked: boolean };

/** OWNER; another project's is NOT_FOUND. */
export function checkDeleteAccess(principal: Principal, snapshot: { projectId: string } | null): Refusal | null {
  return refusalFor(principal, { projectId: snapshot?.projectId ?? null, what: 'The volume snapshot', path: ['snapshotId'] }, 'OWNER');
}

/**
 * Its own state, and the host of the machine that it was taken of: whether that machine is drifted, or gone, changes nothing, since the file
 * is in no chain.
 */
export function obstacleToDeleting({ name, state, locked }: Doomed, facts: MachineFacts): Refusal | null {
  const path = ['snapshotId'];
  const busy = checkFree(facts);
  if (busy) return busy;
  if (state !== 'CREATED_ON_PRIMARY' && state !== 'ERROR') {
    const message = `The volume snapshot “${name}” is ${state}; it can be deleted while it is CREATED_ON_PRIMARY or in ERROR.`;
    return { code: 'SNAPSHOT_STATE', message, path };
  }
  if (locked) return { code: 'SNAPSHOT_LOCKED', message: `The volume snapshot “${name}” is locked. Unlock it first.`, path };
  return checkHost(facts, []);
}
