import { cursorExpired } from '../graphql/request-errors.js';
import { CursorExpired, decodeCursor, type StreamPosition } from './event-feed.js';

/** Where a subscription begins: behind `after`, or now. Throws CURSOR_EXPIRED for a text that is no cursor. */
export function resumeFrom(after: string | null | undefined, now: string): StreamPosition {
  const position = decodeCursor(after ?? now);
  if (position === null) throw cursorExpired();
  return position;
}

/** Passes a stream on; the feed's own word for a cursor that is not known becomes the contract's. */
export async function* sayingExpired<T>(stream: AsyncGenerator<T, void, void>): AsyncGenerator<T, void, void> {
  try {
    yield* stream;
  } catch (error) {
    throw error instanceof CursorExpired ? cursorExpired() : error;
  }
}
