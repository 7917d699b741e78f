import { type Coalesced, coalesced } from '../platform/coalesced.js';
import type { Database } from '../platform/database.js';
import type { Log } from '../platform/log.js';
import type { StreamPosition } from './event-feed.js';
import { REPLAY_PAGE, RING_RECORDS } from './limits.js';
import { readStreamHead, readTransitions } from './transition.store.js';
import type { TransitionRecord } from './transition.js';

/** The newest part of the stream, as one replica holds it in memory: no gap, in order, bounded. */
export class StreamTail {
  readonly #database: Database;
  readonly #look: Coalesced;
  readonly #waiting = new Set<() => void>();
  #incarnation: string | null = null;
  #records: TransitionRecord[] = [];
  #position = 0n;
  #lastLookAt = 0;

  constructor(options: { database: Database; log: Log }) {
    this.#database = options.database;
    this.#look = coalesced(
      () => this.#advance(),
      (error) => options.log.warn({ err: error }, 'cannot read the stream of transitions now; trying again within a second'),
    );
  }

  /** Looks for what is new; any number of calls during a look are one more look. */
  nudge(): void {
    this.#look.nudge();
  }

  /** Looks, and resolves when this look is over; throws nothing (see `lastLookAt`). */
  async look(): Promise<void> {
    this.#look.nudge();
    await this.#look.idle();
  }

  /** When it last succeeded in looking, in milliseconds of performance.now(); 0 before the first time. */
  get lastLookAt(): number {
    return this.#lastLookAt;
  }

  /** How far it has come; null before it could look for the first time. */
  get position(): StreamPosition | null {
    return this.#incarnation === null ? null : { incarnation: this.#incarnation, position: this.#position };
  }

  /** At most a page of records right after `after`; null where the memory does not reach back so far. */
  recordsAfter(after: bigint): TransitionRecord[] | null {
    const first = this.#position - BigInt(this.#records.length);
    if (after < first) return null;
    const from = Number(after - first);
    return this.#records.slice(from, from + REPLAY_PAGE);
  }

  /** Resolves at the next change, when the signal fires, or after so many milliseconds; never rejects. */
  changed(signal: AbortSignal, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        this.#waiting.delete(finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      signal.addEventListener('abort', finish, { once: true });
      this.#waiting.add(finish);
      if (signal.aborted) finish();
    });
  }

  async #advance(): Promise<void> {
    const head = await readStreamHead(this.#database);
    if (head.incarnation !== this.#incarnation || head.position < this.#position) this.#begin(head);
    // Stopped for long: what lies further back than the memory reaches is read from the table by those who want it.
    if (head.position - this.#position > BigInt(RING_RECORDS)) this.#begin({ ...head, position: head.position - BigInt(RING_RECORDS) });
    while (this.#position < head.position) await this.#readPage(head.position);
    this.#lastLookAt = performance.now();
  }

  async #readPage(through: bigint): Promise<void> {
    const page = await readTransitions(this.#database, { after: this.#position, through, filter: null, limit: REPLAY_PAGE });
    for (const [index, record] of page.entries()) {
      const expected = this.#position + BigInt(index) + 1n;
      if (record.position !== expected) throw new Error(`hole in the stream of transitions: ${record.position} follows ${expected - 1n}`);
    }
    if (page.length === 0) throw new Error(`hole in the stream of transitions: nothing after ${this.#position}, the head is ${through}`);
    this.#records.push(...page);
    if (this.#records.length > RING_RECORDS * 2) this.#records = this.#records.slice(-RING_RECORDS);
    this.#position += BigInt(page.length);
    this.#wake();
  }

  #begin(at: StreamPosition): void {
    this.#incarnation = at.incarnation;
    this.#position = at.position;
    this.#records = [];
    this.#wake();
  }

  #wake(): void {
    this.#waiting.forEach((finish) => finish());
  }
}
