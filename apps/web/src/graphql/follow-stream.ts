import { type DocumentNode, print } from 'graphql';
import type { Client } from 'graphql-ws';
import { backOffMs } from './back-off';

export type StreamOptions<Data> = {
  client: Client;
  document: DocumentNode;
  variables: Record<string, unknown>;
  /** The cursor of an event; after a lost connection the stream goes on behind the last one handled. Left out: the stream knows no cursor. */
  cursorOf?: (data: Data) => string;
  onData(data: Data): void;
  /** The cursor is not known any more, or an event could not be read: read everything again and follow from there. This stream has ended. */
  onGap(): void;
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
  const gap = () => {
    stop();
    options.onGap();
  };
  const again = () => {
    if (isStopped) return;
    timer = setTimeout(start, backOffMs(failures++, Math.random()));
  };

  function start(): void {
    const payload = {
      query,
      get variables() {
        return cursor === undefined ? options.variables : { ...options.variables, after: cursor };
      },
    };
    unsubscribe = options.client.subscribe<Data>(payload, {
      next(result) {
        if (isStopped) return;
        if (!result.data || result.errors) return gap();
        failures = 0;
        options.onData(result.data);
        cursor = options.cursorOf?.(result.data) ?? cursor;
      },
      error: (cause) => (isStopped ? undefined : isCursorExpired(cause) ? gap() : again()),
      complete: again,
    });
  }

  start();
  return stop;
}

function isCursorExpired(cause: unknown): boolean {
  return Array.isArray(cause) && cause.some((error) => error?.extensions?.code === 'CURSOR_EXPIRED');
}
