import { parse } from 'graphql';
import type { Client, Sink, SubscribePayload } from 'graphql-ws';
import { expect, it, vi } from 'vitest';
import { followStream } from './follow-stream';

/** Stands for the socket: keeps what was subscribed, as it would be sent now. */
function fakeSocket() {
  const subscriptions: { payload: SubscribePayload; sink: Sink; isOpen: boolean }[] = [];
  const client: Pick<Client, 'subscribe'> = {
    subscribe(payload, sink) {
      const subscription = { payload, sink: sink as Sink, isOpen: true };
      subscriptions.push(subscription);
      return () => (subscription.isOpen = false);
    },
  };
  const sentVariables = (index: number) => JSON.parse(JSON.stringify(subscriptions[index]?.payload)).variables;
  return { client, subscriptions, sentVariables };
}

function setUp() {
  const socket = fakeSocket();
  const seen: unknown[] = [];
  const onGap = vi.fn();
  const document = parse('subscription X($after: Cursor) { moved(after: $after) { cursor } }');
  const stop = followStream({
    client: socket.client,
    document,
    variables: { after: 'c0' },
    hasCursor: true,
    cursorOf: (data: { moved: { cursor: string } }) => data.moved.cursor,
    onData: (data) => seen.push(data),
    onGap,
  });
  return { socket, seen, onGap, stop };
}

it('sends the last cursor handled when the same subscription is sent again after a reconnection', () => {
  const { socket } = setUp();
  expect(socket.sentVariables(0)).toEqual({ after: 'c0' });
  socket.subscriptions[0]?.sink.next({ data: { moved: { cursor: 'c7' } } });
  expect(socket.sentVariables(0)).toEqual({ after: 'c7' });
});

it('subscribes anew behind the last cursor when the server ends the stream', async () => {
  const { socket, stop } = setUp();
  socket.subscriptions[0]?.sink.next({ data: { moved: { cursor: 'c7' } } });
  socket.subscriptions[0]?.sink.complete();
  await vi.waitFor(() => expect(socket.subscriptions).toHaveLength(2), { timeout: 30_000 });
  expect(socket.sentVariables(1)).toEqual({ after: 'c7' });
  stop();
});

it('reports a gap when the cursor has expired, and stays quiet afterwards', () => {
  const { socket, seen, onGap } = setUp();
  const sink = socket.subscriptions[0]?.sink;
  sink?.error([{ message: 'x', extensions: { code: 'CURSOR_EXPIRED' } }]);
  sink?.next({ data: { moved: { cursor: 'c9' } } });
  expect(onGap).toHaveBeenCalledOnce();
  expect(seen).toEqual([]);
});

it('reports a gap when an event came with an error: what it said is not known', () => {
  const { socket, onGap } = setUp();
  socket.subscriptions[0]?.sink.next({ data: null });
  expect(onGap).toHaveBeenCalledOnce();
  expect(socket.subscriptions[0]?.isOpen).toBe(false);
});
