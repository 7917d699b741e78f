import type { Principal } from '../access/principal.js';

/** One message of a subscription, with the caller as it was when access to it was checked. */
export type StreamItem<T> = { value: T; principal: Principal };

/**
 * Makes a generator that stops at once when its consumer does: a generator that waits for news cannot hear `return()` before the next
 * one, so the signal tells it.
 */
export function abortable<T>(make: (signal: AbortSignal) => AsyncGenerator<T, void, void>): AsyncGenerator<T, void, void> {
  const controller = new AbortController();
  const inner = make(controller.signal);
  return {
    next: () => inner.next(),
    return: () => {
      controller.abort();
      return inner.return();
    },
    throw: (error: unknown) => {
      controller.abort();
      return inner.throw(error);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      controller.abort();
      await inner.return();
    },
  };
}
