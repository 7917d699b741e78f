/**
 * The time and the chance of this process, for as long as a schedule runs: its clock stands still until nothing is left to do, then jumps to
 * the next timer, and random bytes come from the seed. All code of the process gets them, whether it thought of tests or not: what forgot to
 * ask an injected clock would otherwise break the promise that a seed gives the same schedule again.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { Seeded } from './seeded.js';

const require = createRequire(import.meta.url);
/** Builtin modules as they can be written to; their importers see it after syncBuiltinESMExports(). */
const timersPromises: Record<string, unknown> = require('node:timers/promises');
const crypto: Record<string, unknown> = require('node:crypto');

const real = {
  setTimeout: globalThis.setTimeout,
  setInterval: globalThis.setInterval,
  clearTimeout: globalThis.clearTimeout,
  clearInterval: globalThis.clearInterval,
  setImmediate: globalThis.setImmediate,
  Date: globalThis.Date,
  timeout: Object.getOwnPropertyDescriptor(AbortSignal, 'timeout') ?? {},
  pause: timersPromises['setTimeout'],
  randomBytes: crypto['randomBytes'],
  randomFillSync: crypto['randomFillSync'],
  randomUUID: crypto['randomUUID'],
};

type Callback = (...given: unknown[]) => void;
type Timer = { id: number; at: number; order: number; everyMs: number | null; call: () => void };

/** Each schedule begins a year after the one before: ids of a process, which are made of the time, never go back. */
let begins = Date.UTC(2030, 0, 1);
const YEAR_MS = 366 * 24 * 3_600_000;

/** The clock, the timers and the chance that this process has while one schedule runs. */
export class VirtualProcess {
  readonly #chance: Seeded;
  readonly #startedAt: number;
  /** A heap: the first is the next, by time, then by its setting. Those that were cleared are not in `#live` any more. */
  readonly #heap: Timer[] = [];
  readonly #live = new Map<number, Timer>();
  #lastOrder = 0;
  #nowMs = 0;
  #lastId = 0;
  #isOver = false;

  constructor(chance: Seeded) {
    this.#chance = chance;
    this.#startedAt = begins;
    begins += YEAR_MS;
  }

  /** Milliseconds since the schedule began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  readonly pause = (ms: number): Promise<void> => new Promise((resolve) => void this.#set(resolve, ms, null));

  /**
   * Runs it with this process's time and chance replaced, and gives them back. Throws where it takes longer than `longestMs` of virtual time,
   * or waits for something that nothing will ever bring.
   */
  async run<T>(work: () => Promise<T>, longestMs: number): Promise<T> {
    this.#replace();
    try {
      const state: { outcome: { value: T } | { error: unknown } | null } = { outcome: null };
      work().then(
        (value) => (state.outcome = { value }),
        (error: unknown) => (state.outcome = { error }),
      );
      for (;;) {
        await new Promise((resolve) => real.setImmediate(resolve));
        if (state.outcome) break;
        const next = this.#takeNext();
        if (!next) throw new Error('nothing is left to happen, and the schedule has not ended');
        if (next.at > longestMs) throw new Error(`the schedule has not ended after ${longestMs} ms of its own time`);
        this.#nowMs = Math.max(this.#nowMs, next.at);
        if (next.everyMs !== null) this.#insert({ ...next, at: this.#nowMs + next.everyMs });
        next.call();
      }
      if ('error' in state.outcome) throw state.outcome.error;
      return state.outcome.value;
    } finally {
      this.#isOver = true;
      giveBack();
    }
  }

  #set(call: () => void, ms: number, everyMs: number | null): number {
    // Timers of a schedule that is over never fire.
    const id = (this.#lastId += 1);
    if (!this.#isOver) this.#insert({ id, at: this.#nowMs + Math.max(0, Number.isFinite(ms) ? ms : 0), everyMs, call });
    return id;
  }

  #insert(given: Omit<Timer, 'order'>): void {
    const timer = { ...given, order: (this.#lastOrder += 1) };
    this.#live.set(timer.id, timer);
    let at = this.#heap.push(timer) - 1;
    for (let above = (at - 1) >> 1; at > 0 && this.#swapped(at, above); above = (at - 1) >> 1) at = above;
  }

  #takeNext(): Timer | undefined {
    for (;;) {
      const [first] = this.#heap;
      const last = this.#heap.pop();
      if (!first || !last) return undefined;
      if (first !== last) {
        this.#heap[0] = last;
        this.#sink();
      }
      if (this.#live.get(first.id) !== first) continue;
      this.#live.delete(first.id);
      return first;
    }
  }

  #sink(): void {
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const smaller = right < this.#heap.length && isBefore(this.#heap[right], this.#heap[left]) ? right : left;
      if (smaller >= this.#heap.length || !this.#swapped(smaller, at)) return;
      at = smaller;
    }
  }

  /** Puts the one that is lower in the heap above the other where it comes before it; false where it does not. */
  #swapped(lower: number, upper: number): boolean {
    const [below, above] = [this.#heap[lower], this.#heap[upper]];
    if (!below || !above || !isBefore(below, above)) return false;
    this.#heap[lower] = above;
    this.#heap[upper] = below;
    return true;
  }

  #clear(handle: unknown): void {
    this.#live.delete(Number(handle));
  }

  #replace(): void {
    const wallMs = () => this.#startedAt + Math.floor(this.#nowMs);
    const handle = (id: number) => ({
      [Symbol.toPrimitive]: () => id,
      ref: () => handle(id),
      unref: () => handle(id),
      hasRef: () => true,
      refresh: () => handle(id),
    });
    const clear = (given: unknown) => {
      if (given !== undefined && given !== null) this.#clear(given);
    };
    class VirtualDate extends real.Date {
      constructor(...given: [] | [number | string | Date]) {
        if (given.length === 0) super(VirtualDate.now());
        else super(given[0]);
      }

      static override [Symbol.hasInstance](value: unknown): boolean {
        return Object.prototype.toString.call(value) === '[object Date]';
      }

      static override now(): number {
        return wallMs();
      }
    }
    const pause = (ms: number, value?: unknown, options?: { signal?: AbortSignal }) => this.#pauseFor(ms, value, options?.signal);
    const replaced = {
      setTimeout: (call: Callback, ms = 0, ...given: unknown[]) => handle(this.#set(() => call(...given), ms, null)),
      setInterval: (call: Callback, ms = 1, ...given: unknown[]) => handle(this.#set(() => call(...given), ms, Math.max(1, ms))),
      clearTimeout: clear,
      clearInterval: clear,
      Date: VirtualDate,
    };
    Object.assign(globalThis, replaced);
    performance.now = () => this.#nowMs;
    AbortSignal.timeout = (ms) => {
      const end = new AbortController();
      this.#set(() => end.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')), ms, null);
      return end.signal;
    };
    timersPromises['setTimeout'] = pause;
    Object.assign(crypto, this.#randomness());
    syncBuiltinESMExports();
  }

  #pauseFor(ms: number, value: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const aborted = () => {
        this.#clear(id);
        reject(new DOMException('The operation was aborted', 'AbortError'));
      };
      const id = this.#set(
        () => {
          signal?.removeEventListener('abort', aborted);
          resolve(value);
        },
        ms,
        null,
      );
      if (signal?.aborted) aborted();
      else signal?.addEventListener('abort', aborted, { once: true });
    });
  }

  #randomness() {
    const fill = (bytes: Uint8Array) => {
      for (let at = 0; at < bytes.length; at += 1) bytes[at] = this.#chance.below(256);
      return bytes;
    };
    const uuid = () => {
      const hex = Buffer.from(fill(new Uint8Array(16))).toString('hex');
      return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20)].join('-');
    };
    return { randomFillSync: fill, randomBytes: (size: number) => fill(Buffer.alloc(size)), randomUUID: uuid };
  }
}

function isBefore(one: Timer | undefined, other: Timer | undefined): boolean {
  if (!one || !other) return false;
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

function giveBack(): void {
  const { setTimeout, setInterval, clearTimeout, clearInterval, Date } = real;
  Object.assign(globalThis, { setTimeout, setInterval, clearTimeout, clearInterval, Date });
  Reflect.deleteProperty(performance, 'now');
  Object.defineProperty(AbortSignal, 'timeout', real.timeout);
  timersPromises['setTimeout'] = real.pause;
  Object.assign(crypto, { randomBytes: real.randomBytes, randomFillSync: real.randomFillSync, randomUUID: real.randomUUID });
  syncBuiltinESMExports();
}
