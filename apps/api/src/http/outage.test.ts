import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Cuttable, openCuttable } from '../testing/cuttable.js';
import { seedTransition } from '../testing/seed.js';
import { subscribeByEvents, subscribeByWebSocket } from '../testing/subscribers.js';
import { startWorld, type World } from '../testing/world.js';

let world: World;
let way: Cuttable | undefined;
beforeAll(async () => {
  world = await startWorld(async (url) => {
    way = await openCuttable({ host: url.hostname, port: Number(url.port || 5432) });
    return way.port;
  });
});
afterAll(async () => {
  await world.stop();
  way?.close();
});

const QUERY = 'subscription ($after: Cursor) { stateTransitions(after: $after) { event { reason } } }';

async function status(path: string): Promise<number> {
  return (await fetch(new URL(path, world.url))).status;
}

async function untilStatus(path: string, wanted: number): Promise<void> {
  for (let attempt = 0; attempt < 300 && (await status(path)) !== wanted; attempt += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await status(path)).toBe(wanted);
}

function tell(reason: string): Promise<void> {
  const { machine } = world.acme;
  return seedTransition(world.database.sql, {
    machine,
    subjectType: 'VIRTUAL_MACHINE',
    subjectId: machine.id,
    from: null,
    to: 'STOPPED',
    reason,
  });
}

it('a database that is away for a while: alive but not ready, streams stay, and nothing is missed', async () => {
  const wanted = { url: world.url, token: world.acme.viewer, query: QUERY };
  const [socket, events] = [subscribeByWebSocket(wanted), subscribeByEvents(wanted)];
  for (let n = 0; socket.messages.length === 0 || events.messages.length === 0; n += 1) {
    await tell(`before ${n}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  way?.cut();
  await tell('meanwhile');
  await untilStatus('/readyz', 503);
  expect(await status('/healthz')).toBe(200);
  const refused = await world.ask(world.acme.viewer, '{ viewer { id } }');
  expect(refused).toMatchObject({ status: 503, errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
  way?.mend();
  await untilStatus('/readyz', 200);
  await tell('after');
  for (const subscriber of [socket, events]) {
    const reasons = () => subscriber.messages.map((one) => one.data?.['stateTransitions']?.['event']?.['reason']);
    for (let n = 1; !JSON.stringify(reasons()).includes('"after"'); n += 1) await subscriber.until(n);
    expect(reasons().slice(-2)).toEqual(['meanwhile', 'after']);
    expect(subscriber.messages.every((one) => one.errors === undefined)).toBe(true);
    subscriber.stop();
  }
});

it('a WebSocket that comes while the database is away is told to come back', async () => {
  way?.cut();
  const socket = new WebSocket(world.url.replace('http', 'ws'), 'graphql-transport-ws', {
    headers: { authorization: `Bearer ${world.acme.viewer}` },
  });
  socket.on('open', () => socket.send('{"type":"connection_init"}'));
  const code = await new Promise<number>((resolve) => socket.on('close', resolve));
  way?.mend();
  expect(code).toBe(1013);
});
