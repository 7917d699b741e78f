import type { Database } from '../platform/database.js';
import { CursorExpired, type EventFeed, type FeedBatch, type FeedFilter, type StreamPosition } from './event-feed.js';
import { BOOKMARK_MS, REPLAY_PAGE, REPLAY_WINDOW } from './limits.js';
import type { StreamTail } from './stream-tail.js';
import { matchesFilter, readStreamHead, readTransitions } from './transition.store.js';

/**
 * Replay and live are one loop over positions: from memory where it reaches, from the table where it does not. A follower holds nothing
 * but its own position, so a slow one costs nobody anything, and the place where replay becomes live has no seam.
 */
export class LiveEventFeed implements EventFeed {
  readonly #database: Database;
  readonly #tail: StreamTail;

  constructor(options: { database: Database; tail: StreamTail }) {
    this.#database = options.database;
    this.#tail = options.tail;
  }

  /** From memory: what this replica has seen is never later than what a query after it reads. */
  async head(): Promise<StreamPosition> {
    return this.#tail.position ?? (await readStreamHead(this.#database));
  }

  async *follow(after: StreamPosition, filter: FeedFilter, signal: AbortSignal): AsyncGenerator<FeedBatch> {
    await this.#assertKnown(after);
    let cursor = after.position;
    let spokenAt = performance.now();
    while (!signal.aborted) {
      const head = this.#tail.position;
      if (head && head.incarnation !== after.incarnation) throw new CursorExpired(`the stream began anew as ${head.incarnation}`);
      if (!head || cursor >= head.position) {
        await this.#tail.changed(signal, Math.max(1, BOOKMARK_MS - (performance.now() - spokenAt)));
      } else {
        const batch = await this.#next(cursor, head.position, filter);
        cursor = batch.through;
        if (batch.records.length > 0 && !signal.aborted) {
          yield batch;
          spokenAt = performance.now();
        }
      }
      if (performance.now() - spokenAt >= BOOKMARK_MS && !signal.aborted) {
        yield { records: [], through: cursor };
        spokenAt = performance.now();
      }
    }
  }

  async #next(after: bigint, head: bigint, filter: FeedFilter): Promise<FeedBatch> {
    const recent = this.#tail.recordsAfter(after);
    if (recent && recent.length > 0) {
      return { records: recent.filter((record) => matchesFilter(filter, record)), through: after + BigInt(recent.length) };
    }
    const windowEnd = after + BigInt(REPLAY_WINDOW);
    const through = windowEnd < head ? windowEnd : head;
    const records = await readTransitions(this.#database, { after, through, filter, limit: REPLAY_PAGE });
    const last = records.at(-1);
    return { records, through: last && records.length === REPLAY_PAGE ? last.position : through };
  }

  /** A cursor of another replica may be ahead of what this one has seen; only what the database does not know either is expired. */
  async #assertKnown(after: StreamPosition): Promise<void> {
    const seen = this.#tail.position;
    if (seen && seen.incarnation === after.incarnation && after.position <= seen.position) return;
    const known = await readStreamHead(this.#database);
    if (known.incarnation === after.incarnation && after.position <= known.position) return;
    throw new CursorExpired('the cursor belongs to another incarnation of the database, or lies beyond its head');
  }
}
