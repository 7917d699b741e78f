import {
  type AgentMessage,
  type ApiMessage,
  CloseCode,
  type CloseCodeValue,
  encodeMessage,
  MAX_UNACKNOWLEDGED_REPORTS,
  parseAgentMessage,
} from '@coppice/protocol';
import type { WebSocket } from 'ws';
import type { Log } from '../platform/log.js';
import { HEARTBEAT_INTERVAL_MS, HEARTBEAT_TIMEOUT_MS, MAX_BUFFERED_BYTES } from './limits.js';

/** Whom a session belongs to, and under which epoch it was admitted. */
type SessionIdentity = { hostId: string; hostName: string; epoch: bigint };

/** What is handled in order: everything but heartbeats. */
export type SessionMessage = Exclude<AgentMessage, { type: 'session.heartbeat' | 'session.hello' }>;

/** What a session calls: each message in order, one at a time; and its end, once. Neither may throw. */
type SessionHandlers = {
  message: (session: AgentSession, message: SessionMessage) => Promise<void>;
  ended: (session: AgentSession, reason: string) => void;
};

/**
 * One admitted socket. Heartbeats are answered at once, whatever the database does; all else is handled one by one in order, and reading
 * stops while too much waits. The socket is the only thing here that can be lost: everything else is in the database.
 */
export class AgentSession {
  readonly hostId: string;
  readonly hostName: string;
  readonly epoch: bigint;
  /** Commands that were put on this socket and are not finished. */
  readonly given = new Set<string>();
  readonly #socket: WebSocket;
  readonly #handlers: SessionHandlers;
  readonly #log: Log;
  readonly #heartbeat: NodeJS.Timeout;
  #queue: Promise<void> = Promise.resolve();
  #waiting = 0;
  #heardAt = performance.now();
  #endedBy: string | null = null;

  constructor(socket: WebSocket, identity: SessionIdentity, options: { handlers: SessionHandlers; log: Log }) {
    this.hostId = identity.hostId;
    this.hostName = identity.hostName;
    this.epoch = identity.epoch;
    this.#socket = socket;
    this.#handlers = options.handlers;
    this.#log = options.log.child({ hostId: identity.hostId, host: identity.hostName, epoch: Number(identity.epoch) });
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.on('error', (error) => this.#log.info({ err: error }, 'the socket of a host failed'));
    socket.on('close', (code) => this.#end(`the socket was closed (${code})`));
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_INTERVAL_MS);
  }

  /** True until it is closed from either side. */
  get isOpen(): boolean {
    return this.#endedBy === null;
  }

  /** Puts a message on the socket; false where it is closed. What it was is not lost: whatever matters is sent again in the next session. */
  send(message: ApiMessage): boolean {
    if (!this.isOpen) return false;
    if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) {
      this.close(CloseCode.TIMEOUT, 'the host does not read what it is sent');
      return false;
    }
    this.#socket.send(encodeMessage(message));
    return true;
  }

  /** Closes it; the agent reconnects where the code allows. */
  close(code: CloseCodeValue, reason: string): void {
    this.#log.info({ code }, `session closed: ${reason}`);
    this.#socket.close(code, reason.slice(0, 120));
    this.#end(reason);
  }

  /** Resolves when everything that was read so far is handled. */
  idle(): Promise<void> {
    return this.#queue;
  }

  #receive(data: unknown, isBinary: boolean): void {
    if (!this.isOpen) return;
    this.#heardAt = performance.now();
    const parsed = parseAgentMessage(isBinary ? '' : String(data));
    if (!parsed.ok) {
      this.close(CloseCode.BAD_MESSAGE, `a message is not of this protocol: ${parsed.problem}`);
      return;
    }
    const { message } = parsed;
    if (message.type === 'session.heartbeat') return;
    if (message.type === 'session.hello') {
      this.close(CloseCode.BAD_MESSAGE, 'a second hello in one session');
      return;
    }
    this.#waiting += 1;
    if (this.#waiting === MAX_UNACKNOWLEDGED_REPORTS) this.#socket.pause();
    this.#queue = this.#handle(this.#queue, message);
  }

  async #handle(before: Promise<void>, message: SessionMessage): Promise<void> {
    await before;
    await this.#handlers.message(this, message);
    this.#waiting -= 1;
    if (this.#socket.isPaused && this.#waiting < MAX_UNACKNOWLEDGED_REPORTS / 2) {
      this.#heardAt = performance.now();
      this.#socket.resume();
    }
  }

  #beat(): void {
    // While we do not read, silence says nothing about the host.
    if (!this.#socket.isPaused && performance.now() - this.#heardAt > HEARTBEAT_TIMEOUT_MS) {
      this.close(CloseCode.TIMEOUT, 'the host was not heard for too long');
      this.#socket.terminate();
      return;
    }
    this.send({ type: 'session.heartbeat', at: new Date().toISOString() });
  }

  #end(reason: string): void {
    if (this.#endedBy !== null) return;
    this.#endedBy = reason;
    clearInterval(this.#heartbeat);
    this.#handlers.ended(this, reason);
  }
}
