import { type DocumentNode, print } from 'graphql';
import type { Client } from 'graphql-ws';
import { backOffMs } from './back-off';

export type StreamOptions<Data> = {
  client: Pick<Client, 'subscribe'>;
  document: DocumentNode;
  variables: Record<string, unknown>;
  /** Whether its events carry cursors. One without shows what is now, so it simply starts again. */
  hasCursor: boolean;
  /** The cursor of an event; after a lost connection the stream goes on behind the last one handled. */
  cursorOf: (data: Data) => string | undefined;
  onData: (data: Data) => void;
  /** The cursor is not known any more, or an event could not be read: read everything again. With cursors, this stream has ended by itself. */
  onGap: () => void;
};

/**
 * Follows one subscription until the returned function is called. The variables are read anew each time graphql-ws sends them, so that a
 * reconnection replays exactly what was missed. (urql's subscription exchange would resend the first cursor, hence the client itself.)
 */
export function followStream<Data>(options: StreamOptions<Data>): () => void {
  let cursor: string | undefined;
  let unsubscribe: () => void = () => undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;
  let failures = 0;
  const query = print(options.document);

  const stop = () => {
    isStopped = true;
    clearTimeout(timer);
    unsubscribe();
  };
  const again = () => {
    clearTimeout(timer);
    if (!isStopped) timer = setTimeout(start, backOffMs(failures++, Math.random()));
  };
  const gap = () => {
    if (options.hasCursor) stop();
    else again();
    options.onGap();
  };

  function start(): void {
    unsubscribe();
    const payload = {
      query,
      get variables() {
        return cursor === undefined ? options.variables : { ...options.variables, after: cursor };
      },
    };
    unsubscribe = options.client.subscribe<Data>(payload, {
      next(result) {
        if (isStopped) return undefined;
        if (!result.data || result.errors) return gap();
        failures = 0;
        options.onData(result.data);
        cursor = options.cursorOf(result.data) ?? cursor;
        return undefined;
      },
      error: (cause) => {
        if (isStopped) return undefined;
        return isCursorExpired(cause) ? gap() : again();
      },
      complete: again,
    });
  }

  start();
  return stop;
}

function isCursorExpired(cause: unknown): boolean {
  return Array.isArray(cause) && cause.some((error) => error?.extensions?.code === 'CURSOR_EXPIRED');
}
