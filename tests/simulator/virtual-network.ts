/**
 * Connections in memory between agents and replicas: messages of one direction keep their order, take their time, and are lost from some byte
 * on when the connection is cut. Who cut it knows at once; the other side hears of it later, or only by silence.
 */
import { EventEmitter } from 'node:events';
import type { WebSocket } from 'ws';
import type { Seeded } from './seeded.js';

/** How the network is: whether it breaks at a message, how long most messages take at most, and ends that do not know yet that they are cut off. */
export type NetworkOptions = { chance: Seeded; breaks: () => boolean; longestMs: number; silent: Set<VirtualSocket> };

const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;
/** How long one message of many hangs, in milliseconds: longer than what follows it on a new connection. */
const LATE_MS = 400;
/** A cut of which nobody tells is found by heartbeats. */
const SILENT_ONCE_IN = 4;

/** A connection that is being made: `toAgent` is given to the agent at once. */
export class Connecting {
  readonly toAgent: VirtualSocket;
  readonly toReplica: VirtualSocket;

  constructor(options: NetworkOptions) {
    this.toAgent = new VirtualSocket(options);
    this.toReplica = new VirtualSocket(options);
    this.toAgent.join(this.toReplica);
    this.toReplica.join(this.toAgent);
  }
}

/** One end. */
export class VirtualSocket extends EventEmitter {
  readonly OPEN = OPEN;
  readyState = OPEN;
  readonly bufferedAmount = 0;
  isPaused = false;
  readonly #options: NetworkOptions;
  #peer: VirtualSocket | null = null;
  /** Nothing arrives on the other side any more. */
  #isCut = false;
  #lastArrivalMs = 0;
  #unread: Buffer[] = [];
  /** The close that comes after what is unread. */
  #closeAfter: { code: number; reason: string } | null = null;

  constructor(options: NetworkOptions) {
    super();
    this.#options = options;
  }

  /** As ws's own type, for code that wants one. */
  asWebSocket(): WebSocket {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the adapter: sessions use no more of a socket than is here.
    return this as unknown as WebSocket;
  }

  join(peer: VirtualSocket): void {
    this.#peer = peer;
  }

  send(text: string, done?: (error?: Error) => void): void {
    if (this.readyState !== OPEN) {
      done?.(new Error('the socket is not open'));
      return;
    }
    done?.();
    this.#arrive(() => this.#peer?.receive(Buffer.from(text)));
    if (this.#options.breaks()) this.sever(this.#options.chance.once(SILENT_ONCE_IN));
  }

  /** The close follows what was sent; the other side answers it. */
  close(code = 1005, reason = ''): void {
    if (this.readyState !== OPEN) return;
    this.readyState = CLOSING;
    this.#arrive(() => this.#peer?.closed(code, reason));
  }

  /** Nobody is there, or has been for some time. */
  lose(): void {
    this.#ended(1006, '');
  }

  terminate(): void {
    if (this.readyState === CLOSED) return;
    // What was on its way may arrive all the same, also after the next connection has begun.
    const { chance } = this.#options;
    this.#isCut = chance.once(2);
    const peer = this.#peer;
    this.#ended(1006, '');
    if (this.#isCut) setTimeout(() => peer?.closed(1006, ''), chance.below(50));
    else this.#arrive(() => peer?.closed(1006, ''));
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    queueMicrotask(() => this.#read());
  }

  /** The connection breaks in the middle. `isSilent`: neither side is told. */
  sever(isSilent: boolean): void {
    const { chance } = this.#options;
    for (const end of [this, this.#peer]) {
      if (!end) continue;
      end.#isCut = true;
      if (isSilent) this.#options.silent.add(end);
      else setTimeout(() => end.#ended(1006, ''), chance.below(40));
    }
  }

  receive(data: Buffer): void {
    if (this.readyState === CLOSED) return;
    this.#unread.push(data);
    this.#read();
  }

  /** The other side closed it. */
  closed(code: number, reason: string): void {
    this.#closeAfter = { code, reason };
    this.#read();
  }

  #read(): void {
    while (!this.isPaused && this.readyState !== CLOSED) {
      const next = this.#unread.shift();
      if (next === undefined) break;
      this.emit('message', next, false);
    }
    if (this.isPaused || this.#closeAfter === null || this.#unread.length > 0) return;
    const { code, reason } = this.#closeAfter;
    if (this.readyState === OPEN) this.#arrive(() => this.#peer?.closed(code, reason));
    this.#ended(code, reason);
  }

  #ended(code: number, reason: string): void {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    this.emit('close', code, Buffer.from(reason));
  }

  /** After everything of this direction that is under way. */
  #arrive(what: () => void): void {
    const { chance, longestMs } = this.#options;
    const delayMs = chance.once(20) ? chance.below(LATE_MS) : chance.below(longestMs + 1);
    const now = performance.now();
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, now + delayMs);
    setTimeout(() => {
      if (!this.#isCut) what();
    }, this.#lastArrivalMs - now);
  }
}
