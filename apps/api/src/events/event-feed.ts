/** How everything that replays or follows reads the stream: by position and nothing else. */
import type { TransitionRecord } from './transition.js';

/** A place in the stream of one incarnation of the database. Encoded for clients as an opaque Cursor. */
export type StreamPosition = { incarnation: string; position: bigint };

/** What a reader wants to see; null fields do not filter. Access is applied by the caller for each record when it is sent. */
export type FeedFilter = {
  /** Null: all projects (ADMIN). */
  projectIds: readonly string[] | null;
  virtualMachineId: string | null;
  subjectId: string | null;
  subjectTypes: readonly string[] | null;
};

/** A batch in order of position. `through` is how far the stream has been looked at, also where nothing matched: the reader's next cursor. */
export type FeedBatch = { records: TransitionRecord[]; through: bigint };

export interface EventFeed {
  /** The incarnation and the highest position that this replica has seen numbered and can serve. Read before data, it is not later than the data. */
  head(): Promise<StreamPosition>;

  /**
   * Everything later than `after`, then live, in order and without a gap, until the signal fires. Batches of at most 500.
   * Yields a batch without records now and then on a quiet stream (bookmark), so that cursors stay fresh.
   * Throws CursorExpired when `after` is of another incarnation or beyond what is known.
   */
  follow(after: StreamPosition, filter: FeedFilter, signal: AbortSignal): AsyncIterable<FeedBatch>;
}

/** The cursor is not known any more: the client reads its data again and follows from the new cursor. */
export class CursorExpired extends Error {
  override readonly name = 'CursorExpired';
}

/** Opaque text of a position. */
export function encodeCursor(at: StreamPosition): string {
  return Buffer.from(`${at.incarnation}:${at.position}`).toString('base64url');
}

/** Reads a cursor; null where the text is not one. */
export function decodeCursor(text: string): StreamPosition | null {
  const match = /^([0-9a-f-]{36}):([0-9]{1,18})$/.exec(Buffer.from(text, 'base64url').toString());
  const [, incarnation, position] = match ?? [];
  return incarnation && position ? { incarnation, position: BigInt(position) } : null;
}
