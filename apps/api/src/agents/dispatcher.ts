import { CloseCode, MAX_RUNNING_COMMANDS } from '@coppice/protocol';
import type { Write } from '../events/write.js';
import { bodyOf, type CommandRow, commandsToCancel, hostsWithPending } from '../operations/command.store.js';
import type { OperationEngine } from '../operations/operation-engine.js';
import type { Clock } from '../platform/clock.js';
import { type Coalesced, coalesced } from '../platform/coalesced.js';
import type { Database } from '../platform/database.js';
import type { Log } from '../platform/log.js';
import type { AgentSession } from './agent-session.js';
import { takeCommand } from './dispatch.store.js';
import type { SessionRegistry } from './session-registry.js';

type DispatcherOptions = {
  database: Database;
  write: Write;
  engine: OperationEngine;
  sessions: SessionRegistry;
  clock: Clock;
  replicaId: string;
  log: Log;
};

/** Puts commands on the sockets of this replica, each only after a transaction has seen that its host is still ours. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #runs = new WeakMap<AgentSession, Coalesced>();
  readonly #look: Coalesced;
  /** Hosts whose last look failed. A command may be marked SENT there without having been sent: nothing PENDING would show it. */
  readonly #failed = new Set<string>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#look = coalesced(
      () => this.#lookAtAll(),
      (error) => options.log.warn({ err: error }, 'cannot look for commands now; trying again within a second'),
    );
  }

  /** There may be something for any of our hosts. */
  nudge(): void {
    if (this.#options.sessions.all().length > 0) this.#look.nudge();
  }

  /** There may be something for this host; nothing where another replica holds it. */
  nudgeHost(hostId: string): void {
    const session = this.#options.sessions.of(hostId);
    if (session) this.#runOf(session).nudge();
  }

  async #lookAtAll(): Promise<void> {
    const hostIds = this.#options.sessions.all().map((session) => session.hostId);
    const failed = [...this.#failed];
    this.#failed.clear();
    for (const hostId of failed) this.nudgeHost(hostId);
    for (const hostId of await hostsWithPending(this.#options.database, hostIds)) this.nudgeHost(hostId);
    await this.#cancel();
  }

  /** Tells hosts of commands whose operations were asked to stop, again and again until they have ended: it may be lost, and costs nothing. */
  async #cancel(): Promise<void> {
    const sessions = this.#options.sessions.all();
    const given = sessions.flatMap((session) => [...session.given]);
    if (given.length === 0) return;
    const wanted = new Set(await commandsToCancel(this.#options.database, given));
    for (const session of sessions) {
      for (const commandId of session.given) {
        if (wanted.has(commandId)) session.send({ type: 'command.cancel-requested', commandId });
      }
    }
  }

  #runOf(session: AgentSession): Coalesced {
    const known = this.#runs.get(session);
    if (known) return known;
    const run = coalesced(
      () => this.#dispatch(session),
      (error) => {
        this.#failed.add(session.hostId);
        this.#options.log.warn({ err: error, hostId: session.hostId }, 'a command could not be taken; trying again within a second');
      },
    );
    this.#runs.set(session, run);
    return run;
  }

  async #dispatch(session: AgentSession): Promise<void> {
    const { write, engine, clock, replicaId } = this.#options;
    while (session.isOpen) {
      const taken = await write((transaction) =>
        takeCommand(transaction, {
          engine,
          session: { hostId: session.hostId, epoch: session.epoch, replicaId },
          given: [...session.given],
          limit: MAX_RUNNING_COMMANDS,
          at: clock.now(),
        }),
      );
      switch (taken.kind) {
        case 'none':
          return;
        case 'fenced':
          session.close(CloseCode.REPLACED, 'a newer session of this host is open');
          return;
        case 'expired':
          await write((transaction) => engine.expire(transaction, taken.commandId, clock.now()));
          break;
        case 'taken':
          session.given.add(taken.command.id);
          session.send(issued(taken.command, session.epoch));
      }
    }
  }
}

function issued(command: CommandRow, epoch: bigint) {
  return {
    type: 'command.issued' as const,
    id: command.id,
    incarnation: command.incarnation,
    number: Number(command.number),
    sessionEpoch: Number(epoch),
    machineEpoch: Number(command.machineEpoch),
    expiresAt: command.expiresAt.toISOString(),
    body: bodyOf(command),
  };
}
