/**
 * One WebSocket of this host, from challenge to close. Knows no command and no inventory: it hands messages over and sends what it is
 * given.
 * Must never do a host's work, and never wait for storage: the heartbeat has to go on.
 */
import {
  type AgentMessage,
  type ApiMessage,
  CloseCode,
  encodeMessage,
  HELLO_TIMEOUT_MS,
  type Hello,
  MAX_MESSAGE_BYTES,
  parseApiMessage,
} from '@coppice/protocol';
import type { Welcomed } from '@coppice/protocol';
import type { Logger } from 'pino';
import { WebSocket } from 'ws';

/** Messages that may be lost are dropped while so much waits to be written to the socket. */
const MAX_BUFFERED_BYTES = 8 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;

type Challenge = Extract<ApiMessage, { type: 'session.challenged' }>;
/** What the API may say once the session is open. */
export type SessionMessage = Exclude<ApiMessage, { type: `session.${string}` }>;

export interface SessionHandlers {
  /** The hello that answers this challenge. */
  makeHello: (challenge: Challenge) => Hello | Promise<Hello>;
  onWelcomed: (welcomed: Welcomed, session: Session) => Promise<void>;
  onMessage: (message: SessionMessage, session: Session) => void;
}

/** How a session ended. `lastedMs` counts from the welcome; 0 if there was none. */
export interface SessionEnd {
  readonly code: number;
  readonly reason: string;
  readonly lastedMs: number;
}

/** Dials; says nothing yet. */
export function dial(url: string): WebSocket {
  return new WebSocket(url, { maxPayload: MAX_MESSAGE_BYTES, handshakeTimeout: CONNECT_TIMEOUT_MS, perMessageDeflate: false });
}

/** See the file's head. */
export class Session {
  private phase: 'connecting' | 'greeting' | 'open' = 'connecting';
  private welcomedAt: number | undefined;
  private welcome: Welcomed | undefined;
  private deadline: NodeJS.Timeout | undefined;
  private heartbeat: NodeJS.Timeout | undefined;
  private closeReason: { code: number; reason: string } | undefined;
  /** Settles once, when the socket is gone. Never rejects. */
  readonly ended: Promise<SessionEnd>;

  constructor(
    /** Just dialled. */
    private readonly socket: WebSocket,
    private readonly handlers: SessionHandlers,
    private readonly log: Logger,
  ) {
    this.socket.on('open', () => this.closeAfter(HELLO_TIMEOUT_MS, 'the hello took too long'));
    this.socket.on('message', (data, isBinary) => this.receive(!isBinary && Buffer.isBuffer(data) ? data.toString('utf8') : ''));
    this.socket.on('error', (error) => {
      this.closeReason ??= { code: 1006, reason: error.message };
    });
    this.ended = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => resolve(this.endOf(code, reason.toString())));
    });
  }

  get epoch(): number {
    return this.welcome?.sessionEpoch ?? -1;
  }

  get isOpen(): boolean {
    return this.phase === 'open' && this.socket.readyState === WebSocket.OPEN;
  }

  /**
   * Sends, and resolves once the operating system has it; false if the session is over. Reports that must arrive are sent again by their
   * owner.
   */
  send(message: AgentMessage): Promise<boolean> {
    if (!this.isOpen) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.socket.send(encodeMessage(message), (error) => resolve(error === undefined || error === null));
    });
  }

  /** Sends what may be lost: false where it is, because the session is over or does not keep up, or the message is too large for it. */
  sendLossy(message: AgentMessage): boolean {
    if (!this.isOpen || this.socket.bufferedAmount >= MAX_BUFFERED_BYTES) return false;
    const text = encodeMessage(message);
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_MESSAGE_BYTES) {
      this.log.error({ type: message.type, bytes }, 'a message is too large for the protocol and was not sent');
      return false;
    }
    this.socket.send(text);
    return true;
  }

  close(code: number, reason: string): void {
    this.closeReason ??= { code, reason };
    this.socket.close(code, reason.slice(0, 100));
    // A peer that does not answer the close would keep the socket for 30 s.
    setTimeout(() => this.socket.terminate(), 2000).unref();
  }

  private endOf(code: number, reason: string): SessionEnd {
    clearTimeout(this.deadline);
    clearInterval(this.heartbeat);
    const own = this.closeReason;
    const lastedMs = this.welcomedAt === undefined ? 0 : performance.now() - this.welcomedAt;
    return code === 1006 && own !== undefined ? { ...own, lastedMs } : { code, reason, lastedMs };
  }

  private receive(text: string): void {
    // We gave it up: what still comes out of its buffers may be an hour old.
    if (this.closeReason !== undefined) return;
    const parsed = parseApiMessage(text);
    if (!parsed.ok) return this.close(CloseCode.BAD_MESSAGE, parsed.problem);
    const { message } = parsed;
    if (this.welcome !== undefined) this.closeAfter(this.welcome.heartbeatTimeoutMs, 'no heartbeat from the API in time');
    if (message.type === 'session.refused') {
      this.log.warn({ closeCode: message.closeCode, reason: message.message }, 'the API refused the session');
      this.closeReason = { code: message.closeCode, reason: message.message };
    } else if (message.type === 'session.challenged' && this.phase === 'connecting') {
      this.phase = 'greeting';
      this.greet(message).catch((error: unknown) => this.close(1011, String(error)));
    } else if (message.type === 'session.welcomed' && this.phase === 'greeting') {
      this.begin(message).catch((error: unknown) => this.close(1011, String(error)));
    } else if (this.phase === 'open' && message.type === 'session.heartbeat') {
      return;
    } else if (
      this.phase === 'open' &&
      message.type !== 'session.challenged' &&
      message.type !== 'session.welcomed' &&
      message.type !== 'session.heartbeat'
    ) {
      this.handlers.onMessage(message, this);
    } else {
      this.close(CloseCode.BAD_MESSAGE, `${message.type} is out of order`);
    }
  }

  private async greet(challenge: Challenge): Promise<void> {
    this.socket.send(encodeMessage(await this.handlers.makeHello(challenge)));
  }

  private async begin(welcomed: Welcomed): Promise<void> {
    this.welcome = welcomed;
    this.welcomedAt = performance.now();
    this.phase = 'open';
    this.closeAfter(welcomed.heartbeatTimeoutMs, 'no heartbeat from the API in time');
    this.heartbeat = setInterval(
      () => this.sendLossy({ type: 'session.heartbeat', at: new Date().toISOString() }),
      welcomed.heartbeatIntervalMs,
    );
    await this.handlers.onWelcomed(welcomed, this);
  }

  private closeAfter(timeoutMs: number, why: string): void {
    clearTimeout(this.deadline);
    this.deadline = setTimeout(() => this.close(CloseCode.TIMEOUT, why), timeoutMs);
  }
}
