import { CloseCode } from '@coppice/protocol';
import type { AgentSession } from './agent-session.js';

/** The sessions that this replica holds, one per host. Being here means nothing in the database: the epoch there decides. */
export class SessionRegistry {
  readonly #sessions = new Map<string, AgentSession>();

  /** The present session of a host on this replica. */
  of(hostId: string): AgentSession | null {
    return this.#sessions.get(hostId) ?? null;
  }

  /** All of them. */
  all(): AgentSession[] {
    return [...this.#sessions.values()];
  }

  /** Puts a new session in the place of an older one, which is closed. An older session than the present one is closed itself. */
  add(session: AgentSession): void {
    const present = this.#sessions.get(session.hostId);
    if (present && present.epoch > session.epoch) {
      session.close(CloseCode.REPLACED, 'a newer session of this host is open');
      return;
    }
    this.#sessions.set(session.hostId, session);
    present?.close(CloseCode.REPLACED, 'a newer session of this host took over');
  }

  /** Forgets a session that has ended; true where it was the present one. */
  remove(session: AgentSession): boolean {
    return this.#sessions.get(session.hostId) === session && this.#sessions.delete(session.hostId);
  }

  /** Another replica has a newer session: ours is over. */
  replaced(hostId: string, epoch: bigint): void {
    const present = this.#sessions.get(hostId);
    if (present && present.epoch < epoch) present.close(CloseCode.REPLACED, 'a newer session of this host is open on another replica');
  }
}
