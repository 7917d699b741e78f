/** What an ADMIN changes of a host that is there. Each locks the host's row, so that no session or dispatch sees half of it. */
import type { Principal } from '../access/principal.js';
import { notFound, refusedUnlessAdmin } from '../access/refusals.js';
import { done, type Outcome, type Refusal, refused } from '../errors/refusal.js';
import type { Write } from '../events/write.js';
import type { OperationEngine } from '../operations/operation-engine.js';
import type { Clock } from '../platform/clock.js';
import type { Transaction } from '../platform/database.js';
import { giveUpHost } from './abandon-host.store.js';
import { type HostRow, type HostState, lockHost, moveHost } from './host.store.js';
import { acceptJournal, audit, endSessions, hasCapability, switchCapability } from './installation.store.js';
import type { InstallationChanges } from './installation-changes.js';

/** What it takes; `revoked` closes the host's session on this replica. */
type HostChangeOptions = { write: Write; clock: Clock; engine: OperationEngine; revoked: (hostId: string) => void };
type HostChanges = Pick<InstallationChanges, 'revokeHost' | 'acceptHost' | 'setHostCapability' | 'setHostMaintenance' | 'abandonHost'>;
type Asked = { principal: Principal; hostId: string | null; action: string };
type Move = (transaction: Transaction, host: HostRow) => Promise<Refusal | null>;

/** Makes them; see installation-changes.ts for what each promises. */
export function createHostChanges(options: HostChangeOptions): HostChanges {
  return {
    async revokeHost(principal, { hostId }) {
      const outcome = await change(options, { principal, hostId, action: 'revokeHost' }, async (transaction, host) => {
        await moveHost(transaction, host, { to: 'REVOKED', event: 'revoke', reason: null, actor: principal.actor });
        await endSessions(transaction, host);
        return null;
      });
      // On this replica at once and by its own name; elsewhere the session ends as replaced, and the next hello hears why.
      if (outcome.ok) options.revoked(outcome.value.hostId);
      return outcome;
    },

    acceptHost: (principal, { hostId }) =>
      change(options, { principal, hostId, action: 'acceptHost' }, async (transaction, host) => {
        await acceptJournal(transaction, host);
        return null;
      }),

    setHostCapability: (principal, { hostId, name, enabled }) =>
      change(options, { principal, hostId, action: 'setHostCapability' }, async (transaction, host) => {
        if (!hasCapability(host, name)) return notFound(`The capability “${name.slice(0, 64)}” of the host`, 'name');
        await switchCapability(transaction, host, { name, enabled });
        return null;
      }),

    setHostMaintenance: (principal, { hostId, maintenance }) =>
      change(options, { principal, hostId, action: 'setHostMaintenance' }, async (transaction, host) => {
        const refusal = checkMaintenance(host);
        if (refusal) return refusal;
        if (maintenance === (host.state === 'MAINTENANCE')) return null;
        // Its session went on meanwhile, or ended and took its replica's name with it.
        const resting: HostState = host.sessionReplicaId === null ? 'DISCONNECTED' : 'UP';
        const to = maintenance ? 'MAINTENANCE' : resting;
        await moveHost(transaction, host, { to, event: 'maintenance', reason: null, actor: principal.actor });
        return null;
      }),

    abandonHost: (principal, { hostId }) =>
      change(options, { principal, hostId, action: 'abandonHost' }, async (transaction, host) => {
        const refusal = checkOff(host);
        if (refusal) return refusal;
        const { engine, clock } = options;
        await giveUpHost(transaction, host, { engine, actor: principal.actor, at: clock.now() });
        await moveHost(transaction, host, { to: 'REVOKED', event: 'abandon', reason: null, actor: principal.actor });
        await endSessions(transaction, host);
        return null;
      }),
  };
}

function checkMaintenance({ name, state }: HostRow): Refusal | null {
  if (state !== 'ENROLLED' && state !== 'REVOKED') return null;
  return { code: 'INVALID_INPUT', message: `The host ${name} is ${state}; it gets no work anyway. Nothing was changed.`, path: ['hostId'] };
}

/** A host whose agent is connected is not off, whatever anybody confirms: what it does could go on beside what others do. */
function checkOff({ name, state, sessionReplicaId }: HostRow): Refusal | null {
  if (state !== 'UP' && (state !== 'MAINTENANCE' || sessionReplicaId === null)) return null;
  const message = `The agent of the host ${name} is connected, so the host is not off. Nothing was changed; switch the host off first.`;
  return { code: 'INVALID_INPUT', message, path: ['hostId'] };
}

async function change(options: HostChangeOptions, asked: Asked, move: Move): Promise<Outcome<{ hostId: string }>> {
  const { principal, hostId, action } = asked;
  const denied = refusedUnlessAdmin(principal);
  if (denied) return denied;
  if (hostId === null) return refused(notFound('The host', 'hostId'));
  return options.write(async (transaction) => {
    const host = await lockHost(transaction, hostId);
    if (!host) return refused(notFound('The host', 'hostId'));
    const refusal = await move(transaction, host);
    if (refusal) return refused(refusal);
    const { actor } = principal;
    await audit(transaction, { actor, action, subjectId: hostId, subjectName: host.name, at: options.clock.now() });
    return done({ hostId });
  });
}
