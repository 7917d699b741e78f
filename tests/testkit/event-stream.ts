import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { DEADLINE_MS, waitUntil } from './wait-until.js';

/** By which of the two public transports a subscription goes. */
export type Transport = 'ws' | 'sse';

/** One subscription. `url`: of the replica, `http://…/graphql`. */
export interface StreamRequest {
  readonly transport: Transport;
  readonly url: string;
  readonly token: string;
  readonly document: string;
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** What a subscription delivered, in order, until it ended by itself or was closed. It never reconnects: that is what tests look at. */
export class EventStream<T> {
  readonly events: T[] = [];
  /** Why it ended: the server's errors, a lost connection; undefined while it runs or after a normal end. */
  failure: unknown;
  hasEnded = false;
  private dispose: () => void = () => undefined;

  /** Subscribes. Events may come before this returns; whether the server took it shows only by its events. */
  static open<T>(request: StreamRequest): EventStream<T> {
    const stream = new EventStream<T>();
    const payload = { query: request.document, variables: { ...request.variables } };
    const sink = {
      next: (result: { data?: T | null | undefined; errors?: unknown }) => stream.receive(result),
      error: (error: unknown) => stream.end(error),
      complete: () => stream.end(undefined),
    };
    if (request.transport === 'ws') {
      const client = createWsClient({
        url: request.url.replace(/^http/, 'ws'),
        webSocketImpl: WebSocket,
        connectionParams: { authorization: `Bearer ${request.token}` },
        retryAttempts: 0,
        lazy: true,
      });
      const unsubscribe = client.subscribe<T>(payload, sink);
      stream.dispose = () => {
        unsubscribe();
        void client.dispose();
      };
    } else {
      const client = createSseClient({ url: request.url, headers: { authorization: `Bearer ${request.token}` }, retryAttempts: 0 });
      const unsubscribe = client.subscribe<T>(payload, sink);
      stream.dispose = () => {
        unsubscribe();
        client.dispose();
      };
    }
    return stream;
  }

  /** Waits until the events so far satisfy `isEnough`; throws what ended the stream if it ended before. */
  async until(what: string, isEnough: (events: readonly T[]) => boolean, deadlineMs = DEADLINE_MS): Promise<readonly T[]> {
    const describe = (): string => JSON.stringify(this.events.slice(-5));
    await waitUntil(what, () => isEnough(this.events) || this.hasEnded, { deadlineMs, everyMs: 5, describe });
    if (!isEnough(this.events)) throw new Error(`the subscription ended before: ${what}; ${describe()}`, { cause: this.failure });
    return this.events;
  }

  close(): void {
    this.dispose();
    this.hasEnded = true;
  }

  private receive(result: { data?: T | null | undefined; errors?: unknown }): void {
    if (result.errors !== undefined) this.failure = result.errors;
    if (result.data !== undefined && result.data !== null) this.events.push(result.data);
  }

  private end(error: unknown): void {
    if (error !== undefined) this.failure = error;
    this.hasEnded = true;
  }
}
