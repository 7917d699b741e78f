/** Subscribers as clients have them: graphql-ws and graphql-sse over real sockets. */
import { createClient as createSseClient } from 'graphql-sse';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Tree } from './world.js';

/** A message of a subscription. */
export type Message = { data?: Tree | null; errors?: readonly { message: string; extensions?: { code?: string } }[] };

/** What a subscriber has received, and how to wait for more. */
export type Subscriber = {
  messages: Message[];
  /** Resolves when there are so many messages; fails after a generous while. */
  until(count: number): Promise<Message[]>;
  /** Resolves when the stream has ended. */
  ended: Promise<void>;
  /** How the socket was closed, where there is one. */
  closed: Promise<{ code: number; reason: string }>;
  stop(): void;
};

type Wanted = { url: string; token: string; query: string; variables?: Record<string, unknown> };

const DEADLINE_MS = 15_000;

function collector() {
  const messages: Message[] = [];
  let wake = () => {};
  const until = async (count: number) => {
    const deadline = Date.now() + DEADLINE_MS;
    while (messages.length < count) {
      if (Date.now() > deadline) throw new Error(`${messages.length} of ${count} messages came: ${JSON.stringify(messages)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 200);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return messages.slice(0, count);
  };
  const push = (message: Message) => {
    messages.push(message);
    wake();
  };
  return { messages, until, push };
}

/** Subscribes over WebSocket; does not connect again, so that what ends it can be seen. */
export function subscribeByWebSocket(wanted: Wanted): Subscriber {
  const { messages, until, push } = collector();
  let client: Client | undefined;
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    client = createClient({
      url: wanted.url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: { authorization: `Bearer ${wanted.token}` },
      on: { closed: (event) => resolve(closeEvent(event)) },
    });
  });
  const ended = new Promise<void>((resolve) => {
    const { query, variables = {} } = wanted;
    client?.subscribe<Tree>({ query, variables }, { next: (message) => push(message), error: () => resolve(), complete: () => resolve() });
  });
  return { messages, until, ended, closed, stop: () => void client?.dispose() };
}

function closeEvent(event: unknown): { code: number; reason: string } {
  if (typeof event !== 'object' || event === null || !('code' in event) || !('reason' in event)) return { code: 0, reason: '' };
  return { code: Number(event.code), reason: String(event.reason) };
}

/** Subscribes over server-sent events. */
export function subscribeByEvents(wanted: Wanted): Subscriber {
  const { messages, until, push } = collector();
  const client = createSseClient({ url: wanted.url, retryAttempts: 0, headers: { authorization: `Bearer ${wanted.token}` } });
  const ended = new Promise<void>((resolve) => {
    const { query, variables = {} } = wanted;
    client.subscribe<Tree>({ query, variables }, { next: (message) => push(message), error: () => resolve(), complete: () => resolve() });
  });
  return { messages, until, ended, closed: ended.then(() => ({ code: 0, reason: '' })), stop: () => client.dispose() };
}
