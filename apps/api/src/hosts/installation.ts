import { randomBytes } from 'node:crypto';
import type { Principal } from '../access/principal.js';
import { notFound, refusedUnlessAdmin } from '../access/refusals.js';
import { done, type Outcome, type Refusal, refused } from '../errors/refusal.js';
import type { Write } from '../events/write.js';
import { assignMachine } from '../machines/assign-machine.js';
import type { OperationEngine } from '../operations/operation-engine.js';
import type { Clock } from '../platform/clock.js';
import type { Transaction } from '../platform/database.js';
import { databaseFailure } from '../platform/database.js';
import { newId } from '../platform/ids.js';
import { createHostChanges } from './host-changes.js';
import { addCluster, addEnrolment, addZone, audit, clusterExists, zoneExists } from './installation.store.js';
import type { InstallationChanges } from './installation-changes.js';
import { tokenHash } from './proof.js';

/** How long an enrolment token works, in milliseconds: a day, to install a host in. */
const ENROLMENT_MS = 24 * 3_600_000;

/** Longest name of a place or a host, in characters. */
const NAME_LENGTH = 128;

/** What the installation's use cases need; `revoked` closes the host's session on this replica. */
type InstallationOptions = { write: Write; clock: Clock; engine: OperationEngine; revoked: (hostId: string) => void };

/** Makes the use cases; see installation-changes.ts for what each promises. */
export function createInstallation(options: InstallationOptions): InstallationChanges {
  return {
    createZone: (principal, { name }) =>
      add({ ...options, principal }, { name, field: 'name', action: 'createZone' }, async (transaction, id) => {
        await addZone(transaction, { id, name });
        return done({ zoneId: id });
      }),

    createCluster: (principal, { zoneId, name }) =>
      add({ ...options, principal }, { name, field: 'name', action: 'createCluster' }, async (transaction, id) => {
        if (zoneId === null || !(await zoneExists(transaction, zoneId))) return refused(notFound('The zone', 'zoneId'));
        await addCluster(transaction, { id, zoneId, name });
        return done({ clusterId: id });
      }),

    createHostEnrollment: (principal, { clusterId, hostName: name }) =>
      add({ ...options, principal }, { name, field: 'hostName', action: 'createHostEnrollment' }, async (transaction, id) => {
        if (clusterId === null || !(await clusterExists(transaction, clusterId))) return refused(notFound('The cluster', 'clusterId'));
        const token = `coppice_enrol_${randomBytes(32).toString('base64url')}`;
        const expiresAt = new Date(options.clock.now().getTime() + ENROLMENT_MS);
        const hostId = await addEnrolment(transaction, { id, clusterId, name, tokenHash: tokenHash(token), expiresAt });
        return hostId ? done({ hostId, token }) : refused(taken(name, 'hostName'));
      }),

    ...createHostChanges(options),

    assignVirtualMachine: (principal, assignment) => assignMachine(options.write, principal, assignment),
  };
}

/** Who asks, and what it takes. */
type By = InstallationOptions & { principal: Principal };
type Added = { name: string; field: string; action: string };

/** Checks ADMIN and name, makes the id, runs the rest in one transaction with its audit event; a name that is taken is a refusal. */
async function add<T>(by: By, added: Added, insert: (transaction: Transaction, id: string) => Promise<Outcome<T>>): Promise<Outcome<T>> {
  const { principal, write, clock } = by;
  const denied = refusedUnlessAdmin(principal);
  if (denied) return denied;
  const { name, field, action } = added;
  if (name.length > NAME_LENGTH || name.trim() === '' || /\p{Cc}/u.test(name)) {
    const message = `A name has 1 to ${NAME_LENGTH} characters, is not only blanks, and has no control characters.`;
    return refused({ code: 'INVALID_INPUT', message, path: [field] });
  }
  const id = newId();
  try {
    return await write(async (transaction) => {
      const outcome = await insert(transaction, id);
      if (outcome.ok) await audit(transaction, { actor: principal.actor, action, subjectId: id, subjectName: name, at: clock.now() });
      return outcome;
    });
  } catch (error) {
    if (databaseFailure(error) === 'DUPLICATE') return refused(taken(name, field));
    throw error;
  }
}

function taken(name: string, field: string): Refusal {
  return { code: 'NAME_TAKEN', message: `“${name}” exists already. Nothing was changed; choose another name.`, path: [field] };
}
