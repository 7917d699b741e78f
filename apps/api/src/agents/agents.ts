import { type ApiMessage, CloseCode, type CloseCodeValue, type Hello, type LayersMeasured } from '@coppice/protocol';
import type { WebSocket } from 'ws';
import type { StreamTail } from '../events/stream-tail.js';
import type { Write } from '../events/write.js';
import { type Admitted, admitHost } from '../hosts/admit-host.js';
import { markConnected, markDisconnected } from '../hosts/liveness.store.js';
import { startIncarnation } from '../hosts/restored-database.store.js';
import type { OperationEngine } from '../operations/operation-engine.js';
import type { ProgressBus } from '../operations/progress-bus.js';
import type { Clock } from '../platform/clock.js';
import type { Database } from '../platform/database.js';
import type { Log } from '../platform/log.js';
import { AgentSession } from './agent-session.js';
import { type AgentSocket, createAgentSocket } from './agent-socket.js';
import { Dispatcher } from './dispatcher.js';
import { ProgressTracker } from './progress-tracker.js';
import { createReceive } from './receive.js';
import { SessionRegistry } from './session-registry.js';
import { startSweeps } from './sweeps.js';

type AgentsOptions = {
  database: Database;
  write: Write;
  engine: OperationEngine;
  progress: ProgressBus;
  tail: StreamTail;
  clock: Clock;
  replicaId: string;
  log: Log;
  /** A host has looked where layers hold data. */
  measured: (hostId: string, message: LayersMeasured) => Promise<void>;
};

/** The hosts' side of a replica. */
export type Agents = {
  socket: AgentSocket;
  /** There may be a command for this host, or (null) for any. */
  nudge(hostId: string | null): void;
  /** A payload of SESSIONS_CHANNEL. */
  replaced(payload: string): void;
  /** The listening connection is (again) there: say that our hosts live, in case others took this replica for dead. */
  databaseIsBack(): void;
  close(hostId: string, code: CloseCodeValue): void;
  /** Puts it on the session that this replica holds with the host; false where it holds none. */
  send(hostId: string, message: ApiMessage): boolean;
  /** Hosts whose sessions this replica holds. */
  hostIds(): string[];
  start(): void;
  stop(): Promise<void>;
};

/** Wires sessions, dispatch, reports and sweeps. */
export function createAgents(options: AgentsOptions): Agents {
  const { database, write, engine, tail, clock, replicaId, log } = options;
  const sessions = new SessionRegistry();
  const dispatcher = new Dispatcher({ database, write, engine, sessions, clock, replicaId, log });
  const tracker = new ProgressTracker({ database, bus: options.progress });
  const receive = createReceive({ write, engine, dispatcher, sessions, tracker, measured: options.measured, clock, log });
  const background = new Background(log);
  const stopping = new AbortController();

  const begin = (socket: WebSocket, admitted: Admitted) => {
    const session = new AgentSession(socket, admitted, { handlers: { message: receive, ended }, log });
    sessions.add(session);
    if (stopping.signal.aborted) session.close(CloseCode.UNAVAILABLE, 'this replica stops');
    dispatcher.nudgeHost(session.hostId);
  };
  const ended = (session: AgentSession, reason: string) => {
    // A session that was replaced says nothing about its host.
    if (!sessions.remove(session)) return;
    const { hostId, epoch } = session;
    const lost = { hostId, epoch, reason, at: clock.now() };
    background.keep(
      write((transaction) => markDisconnected(transaction, lost)),
      'a host was not marked as gone; a sweep will do it',
    );
  };

  return {
    socket: createAgentSocket({ admit: createAdmit(options), begin, log }),
    nudge: (hostId) => (hostId === null ? dispatcher.nudge() : dispatcher.nudgeHost(hostId)),
    replaced(payload) {
      const [hostId, epoch] = payload.split(' ');
      if (hostId && epoch) sessions.replaced(hostId, BigInt(epoch));
    },
    databaseIsBack() {
      for (const { hostId, epoch } of sessions.all()) {
        const found = { hostId, epoch, at: clock.now() };
        background.keep(
          write((transaction) => markConnected(transaction, found)),
          'a host was not marked as there',
        );
      }
    },
    send: (hostId, message) => sessions.of(hostId)?.send(message) ?? false,
    hostIds: () => sessions.all().map((session) => session.hostId),
    close: (hostId, code) => sessions.of(hostId)?.close(code, 'closed by an administrator'),
    start() {
      const stopSweeps = startSweeps({ database, write, engine, sessions, clock, replicaId, log });
      stopping.signal.addEventListener('abort', () => background.keep(stopSweeps(), 'a sweep did not end'));
      background.keep(followStream({ tail, dispatcher, sessions, signal: stopping.signal }), 'the stream is not followed any more');
    },
    async stop() {
      stopping.abort();
      for (const session of sessions.all()) {
        session.close(CloseCode.UNAVAILABLE, 'this replica stops');
        await session.idle();
      }
      await background.ended();
    },
  };
}

/** Admission that begins a new incarnation where a host knows more than this database. */
function createAdmit({ database, write, engine, clock, replicaId, log }: AgentsOptions) {
  const restored = async (incarnation: string) => {
    log.error(
      { incarnation },
      'a host knows more than this database: it was restored. A new incarnation begins, every machine is reconciled first',
    );
    await write((transaction) => startIncarnation(transaction, { incarnation, engine, at: clock.now() }));
  };
  return (hello: Hello, nonce: string) => admitHost({ database, write, clock, replicaId, restored }, hello, nonce);
}

/** Work that nobody waits for before the stop. */
class Background {
  readonly #running = new Set<Promise<void>>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  keep(work: Promise<void>, failure: string): void {
    const kept = work.catch((error: unknown) => this.#log.warn({ err: error }, failure)).finally(() => this.#running.delete(kept));
    this.#running.add(kept);
  }

  async ended(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}

/** How long a look at the stream may take to notice that it is to stop; the signal ends it at once. */
const FOLLOW_MS = 60_000;

type Following = { tail: StreamTail; dispatcher: Dispatcher; sessions: SessionRegistry; signal: AbortSignal };

/** Whatever was committed anywhere may have a command for one of our hosts; a new incarnation means: look at every machine. */
async function followStream({ tail, dispatcher, sessions, signal }: Following): Promise<void> {
  let incarnation = tail.position?.incarnation ?? null;
  while (!signal.aborted) {
    await tail.changed(signal, FOLLOW_MS);
    const now = tail.position?.incarnation ?? null;
    if (incarnation !== null && now !== incarnation) {
      for (const session of sessions.all()) session.send({ type: 'inventory.requested', machineUuid: null });
    }
    incarnation = now;
    dispatcher.nudge();
  }
}
