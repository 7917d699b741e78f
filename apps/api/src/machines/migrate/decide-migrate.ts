/** Whether a machine may go to another host now. Pure. */
import { notFound } from '../../access/refusals.js';
import { done, type Outcome, type Refusal, refused } from '../../errors/refusal.js';
import type { HostRow } from '../../hosts/host.store.js';
import { checkRepointed } from '../../vm-snapshots/check-repointed.js';
import { wholeMachine } from '../claimed-by-machine.js';
import { checkDrift, checkFree, checkHost, checkResting } from '../check-machine.js';
import { type ExpectedDisk, expectedDisks } from '../expected-disks.js';
import type { MigrateRequest } from '../machine-changes.contract.js';
import type { MachineFacts } from '../machine-facts.store.js';

/** What is going to be done. `files`: what to claim. */
export type MigrateDecision = { hostId: string; hostName: string; destinationUri: string; disks: ExpectedDisk[]; files: string[] };

/** Input first, then the machine, then where it goes. */
export function decideMigrate(request: MigrateRequest, facts: MachineFacts): Outcome<MigrateDecision> {
  const refusal = checkStorage(request) ?? checkLeave(facts);
  if (refusal) return refused(refusal);
  const { destination } = facts;
  if (!destination) return refused(notFound('The host', 'hostId'));
  const away = checkDestination(facts, destination);
  if (away) return refused(away);
  const { id, name, migrationUri } = destination;
  if (migrationUri === null) {
    const message = `The host ${name} takes no migrations: its agent has no address where others reach its libvirt (migrationUri).`;
    return refused({ code: 'CAPABILITY_DISABLED', message, path: ['hostId'] });
  }
  return done({ hostId: id, hostName: name, destinationUri: migrationUri, disks: expectedDisks(facts), files: wholeMachine(facts) });
}

/** Whether it could go anywhere at all. */
export function checkLeave(facts: MachineFacts): Refusal | null {
  return (
    checkFree(facts) ??
    checkRepointed(facts) ??
    checkDrift(facts) ??
    checkResting(facts, 'it can be migrated') ??
    checkSource(facts) ??
    checkPools(facts)
  );
}

function checkStorage({ storagePoolId }: MigrateRequest): Refusal | null {
  if (storagePoolId === null) return null;
  const message =
    'Moving volumes to another pool while migrating is not in this version. Leave storagePoolId out to move the machine alone.';
  return { code: 'CAPABILITY_DISABLED', message, path: ['storagePoolId'] };
}

/** Maintenance is what machines are migrated away for: a host in it is asked all the same, as long as its agent is there. */
function checkSource(facts: MachineFacts): Refusal | null {
  const { host } = facts.machine;
  if (host.state !== 'MAINTENANCE' || host.sessionReplicaId === null) return checkHost(facts, []);
  return checkHost({ ...facts, machine: { ...facts.machine, host: { ...host, state: 'UP' } } }, []);
}

function checkPools({ volumes }: MachineFacts): Refusal | null {
  const local = volumes.find(({ pool }) => pool.hostId !== null || pool.type === 'LOCAL');
  if (!local) return null;
  const message = `The volume ${local.target ?? local.name} lies in the pool ${local.pool.name}, which only this host has. The machine stays where it is.`;
  return { code: 'POOL_UNSUPPORTED', message };
}

function checkDestination({ machine: { host } }: MachineFacts, destination: HostRow): Refusal | null {
  const invalid = (message: string): Refusal => ({ code: 'INVALID_INPUT', message, path: ['hostId'] });
  if (destination.id === host.id) return invalid(`The machine is on the host ${host.name} already.`);
  if (destination.clusterId !== host.clusterId) return invalid(`The host ${destination.name} is in another cluster, with other storage.`);
  if (destination.state === 'UP') return null;
  return {
    code: 'HOST_UNAVAILABLE',
    message: `The host ${destination.name} is ${destination.state}, so nothing can go there now.`,
    path: ['hostId'],
  };
}
