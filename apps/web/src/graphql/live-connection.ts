import { type Client, createClient } from 'graphql-ws';
import { backOffMs } from './back-off';

/** `connecting` is only before the first connection; afterwards it is `live` or `lost`. `refused`: the session is not valid any more. */
export type LiveStatus = 'connecting' | 'live' | 'lost' | 'refused';

/** One WebSocket for all subscriptions of this page, with its state and its reconnections to watch. */
export type LiveConnection = {
  client: Client;
  status: () => LiveStatus;
  onStatus: (listener: () => void) => () => void;
  /** Called after each connection that follows a lost one: whatever was read meanwhile may be old. */
  onReconnected: (listener: () => void) => () => void;
};

/** A ping each so many ms, and how long its pong may take: a laptop that slept notices a dead socket within 15 s. */
const PING_MS = 10_000;
const PONG_MS = 5_000;
/** How long the socket stays without any subscription, in ms: the way from one page to the next must not close it. */
const IDLE_MS = 15_000;
/** The client closes an idle socket with this code: nobody needs it, so nothing is lost. */
const NORMAL_CLOSURE = 1000;
/** graphql-transport-ws close codes for a connection without a valid session. */
const REFUSED_CODES = new Set([4401, 4403]);

/** Connects to `url()` with the first subscription, and again with back-off for as long as there is one and the session is valid. */
export function createLiveConnection(url: () => string): LiveConnection {
  let status: LiveStatus = 'connecting';
  let wasLost = false;
  const statusListeners = new Set<() => void>();
  const reconnectedListeners = new Set<() => void>();
  const become = (next: LiveStatus) => {
    status = next;
    for (const listener of statusListeners) listener();
  };
  const client = createClient({
    url,
    lazyCloseTimeout: IDLE_MS,
    keepAlive: PING_MS,
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: (retries) => new Promise((resolve) => setTimeout(resolve, backOffMs(retries, Math.random()))),
    shouldRetry: () => status !== 'refused',
  });
  watchPongs(client);
  client.on('connected', () => {
    become('live');
    if (!wasLost) return;
    wasLost = false;
    for (const listener of reconnectedListeners) listener();
  });
  client.on('closed', (event) => {
    const code = closeCode(event);
    if (code === NORMAL_CLOSURE) return;
    wasLost = true;
    become(code !== undefined && REFUSED_CODES.has(code) ? 'refused' : 'lost');
  });
  return {
    client,
    status: () => status,
    onStatus: (listener) => listen(statusListeners, listener),
    onReconnected: (listener) => listen(reconnectedListeners, listener),
  };
}

function listen(listeners: Set<() => void>, listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function closeCode(event: unknown): number | undefined {
  return typeof event === 'object' && event !== null && 'code' in event && typeof event.code === 'number' ? event.code : undefined;
}

/** A socket whose other end is gone stays open for the browser; without a pong in time it is closed, and the retry begins. */
function watchPongs(client: Client): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  client.on('ping', (received) => {
    if (!received) timer = setTimeout(() => client.terminate(), PONG_MS);
  });
  client.on('pong', (received) => {
    if (received) clearTimeout(timer);
  });
  client.on('closed', () => clearTimeout(timer));
}
