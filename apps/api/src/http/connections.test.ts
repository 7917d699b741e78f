import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { MAX_REQUEST_BYTES } from '../graphql/limits.js';
import { seedTransition } from '../testing/seed.js';
import { subscribeByEvents, subscribeByWebSocket } from '../testing/subscribers.js';
import { CREATE_TOKEN, startWorld, type World, text } from '../testing/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.stop());

const BOOKMARKED = 'subscription ($after: Cursor) { stateTransitions(after: $after) { cursor event { reason } } }';

/** How a raw WebSocket ends that says hello with these headers and parameters; 'acknowledged' where it is let in. */
function knock(headers: Record<string, string>, parameters: object = {}): Promise<number | 'acknowledged'> {
  const socket = new WebSocket(world.url.replace('http', 'ws'), 'graphql-transport-ws', { headers });
  return new Promise((resolve, reject) => {
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: parameters })));
    socket.on('message', () => {
      resolve('acknowledged');
      socket.close();
    });
    socket.on('close', (code) => resolve(code));
    socket.on('error', reject);
  });
}

async function post(path: string, init: { headers?: Record<string, string>; body?: string; method?: string }): Promise<Response> {
  const { method = 'POST', headers = {}, body } = init;
  return fetch(new URL(path, world.url), { method, headers, ...(body === undefined ? {} : { body }) });
}

describe('the session of a browser', () => {
  const json = { 'content-type': 'application/json' };

  async function cookie(token: string): Promise<string> {
    const response = await post('/session', { headers: json, body: JSON.stringify({ token }) });
    expect(response.status).toBe(204);
    const header = response.headers.get('set-cookie') ?? '';
    expect(header).toMatch(/HttpOnly/);
    expect(header).toMatch(/SameSite=Strict/);
    return header.split(';')[0] ?? '';
  }

  it('is a cookie that works like the token, until it is taken away', async () => {
    const session = await cookie(world.acme.viewer);
    const answer = await post('/graphql', { headers: { ...json, cookie: session }, body: '{"query":"{ viewer { email } }"}' });
    expect(await answer.json()).toEqual({ data: { viewer: { email: 'token:acme VIEWER' } } });
    const gone = await post('/session', { method: 'DELETE' });
    expect(gone.headers.get('set-cookie')).toMatch(/coppice_session=;/);
  });

  it('is not given for a wrong token, nor for a form of a foreign page', async () => {
    expect((await post('/session', { headers: json, body: '{"token":"wrong"}' })).status).toBe(401);
    const form = { 'content-type': 'text/plain' };
    expect((await post('/session', { headers: form, body: JSON.stringify({ token: world.acme.viewer }) })).status).toBe(415);
  });

  it('does not work from a page of another place: not by request, not by WebSocket', async () => {
    const session = await cookie(world.acme.viewer);
    const host = `127.0.0.1:${world.port}`;
    const foreign = { cookie: session, origin: 'http://evil.example' };
    expect((await post('/graphql', { headers: { ...json, ...foreign }, body: '{"query":"{ viewer { id } }"}' })).status).toBe(401);
    expect(await knock(foreign)).toBe(4403);
    expect(await knock({ cookie: session })).toBe(4403);
    expect(await knock({ cookie: session, origin: `http://${host}` })).toBe('acknowledged');
    expect(await knock({ cookie: session, origin: 'https://coppice.example', 'x-forwarded-host': 'coppice.example' })).toBe('acknowledged');
  });
});

describe('a WebSocket', () => {
  it('is let in by its parameters or its header, and by nothing else', async () => {
    const authorization = `Bearer ${world.acme.viewer}`;
    expect(await knock({}, { authorization })).toBe('acknowledged');
    expect(await knock({ authorization })).toBe('acknowledged');
    expect(await knock({}, { authorization: 'Bearer wrong' })).toBe(4403);
    expect(await knock({})).toBe(4403);
  });

  it('is closed when a message is too large', async () => {
    const socket = new WebSocket(world.url.replace('http', 'ws'), 'graphql-transport-ws');
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    await new Promise((resolve) => socket.on('open', resolve));
    socket.send('x'.repeat(MAX_REQUEST_BYTES + 1));
    expect(await closed).toBe(1009);
  });

  it('ends when its token expires, by itself', async () => {
    const expiresAt = new Date(Date.now() + 10_000).toISOString();
    const made = await world.ask(world.adminToken, CREATE_TOKEN, { projectId: world.acme.id, name: 'short', role: 'VIEWER', expiresAt });
    const token = text(made.data['createAccessToken']?.['token']);
    const subscriber = subscribeByWebSocket({ url: world.url, token, query: BOOKMARKED });
    const events = subscribeByEvents({ url: world.url, token, query: BOOKMARKED });
    expect(await subscriber.closed).toMatchObject({ code: 4401, reason: expect.stringContaining('expired') });
    await events.ended;
    expect(events.messages.at(-1)?.errors?.[0]?.extensions?.code).toBe('UNAUTHENTICATED');
  });
});

describe('a subscriber that does not read', () => {
  const REASON = 'r'.repeat(16_000);

  async function flood(): Promise<string> {
    const after = text((await world.ask(world.acme.viewer, '{ cursor }')).data['cursor']);
    const { machine } = world.acme;
    const moved = { machine, subjectType: 'VIRTUAL_MACHINE', subjectId: machine.id, from: 'RUNNING', to: 'STOPPED', reason: REASON };
    for (let n = 0; n < 600; n += 1) await seedTransition(world.database.sql, moved);
    return after;
  }

  it('is told to resync over WebSocket and cut off over events, and one that reads gets all of it', async () => {
    const after = await flood();
    const sound = subscribeByWebSocket({ url: world.url, token: world.acme.viewer, query: BOOKMARKED, variables: { after } });
    const socket = new WebSocket(world.url.replace('http', 'ws'), 'graphql-transport-ws', {
      headers: { authorization: `Bearer ${world.acme.viewer}` },
    });
    const closed = new Promise<{ code: number; reason: string }>((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
    });
    socket.on('open', () => socket.send('{"type":"connection_init"}'));
    await new Promise((resolve) => socket.once('message', resolve));
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: BOOKMARKED, variables: { after } } }));
    socket.pause();
    const whole = sound.until(600);
    const cut = stoppedEvents(after, whole);
    expect((await whole).every((one) => one.errors === undefined)).toBe(true);
    expect(await cut).toBe('cut off');
    // Only now does it look: what had been on its way, then why it was closed, or that it was.
    socket.resume();
    const { code, reason } = await closed;
    expect(code).toBe(4430);
    expect(reason).toContain('1 MiB behind');
    sound.stop();
  });

  /** Asks for events and reads none of them for seconds, and not before `others` have read theirs. */
  function stoppedEvents(after: string, others: Promise<unknown>): Promise<string> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${world.acme.viewer}` };
      const request = httpRequest(world.url, { method: 'POST', headers }, (response) => {
        response.pause();
        response.once('close', () => resolve('cut off'));
        response.once('error', () => resolve('cut off'));
        setTimeout(() => void others.finally(() => response.resume()), 7_000);
      });
      request.once('error', reject);
      request.end(JSON.stringify({ query: BOOKMARKED, variables: { after } }));
    });
  }
});

describe('what is refused or answered without a document', () => {
  it('a body beyond the bound, a page beyond 100, a cursor of another list, a query too deep', async () => {
    expect((await world.ask(world.acme.viewer, `{ viewer { id } } #${'x'.repeat(MAX_REQUEST_BYTES)}`)).status).toBe(413);
    const codes = async (query: string) => (await world.ask(world.acme.viewer, query)).errors.map((error) => error.extensions?.code);
    expect(await codes('{ projects(first: 101) { nodes { id } } }')).toEqual(['BAD_USER_INPUT']);
    expect(await codes('{ projects(after: "x") { nodes { id } } }')).toEqual(['BAD_USER_INPUT']);
    const deep = `{ virtualMachine(id: "x") { ${'volumes { virtualMachine { '.repeat(8)} id ${'} }'.repeat(8)} } }`;
    expect(await codes(deep)).toEqual(['QUERY_TOO_LARGE']);
    expect(await codes('{ nothing }')).toEqual(['GRAPHQL_VALIDATION_FAILED']);
  });

  it('liveness and readiness, and nothing elsewhere', async () => {
    expect((await fetch(new URL('/healthz', world.url))).status).toBe(200);
    expect((await fetch(new URL('/readyz', world.url))).status).toBe(200);
    expect((await fetch(new URL('/', world.url))).status).toBe(404);
    const socket = new WebSocket(new URL('/elsewhere', world.url.replace('http', 'ws')));
    expect(await new Promise((resolve) => socket.on('error', (error) => resolve(String(error))))).toContain('404');
  });

  it('a fault of ours: an id for the client, and not a word of the inside', async () => {
    await world.database.sql.query('ALTER TABLE zone RENAME TO zone_away');
    const answer = await world.ask(world.adminToken, '{ zones { name } }');
    await world.database.sql.query('ALTER TABLE zone_away RENAME TO zone');
    expect(answer.errors[0]).toMatchObject({
      message: expect.stringMatching(/^Something went wrong inside Coppice/),
      extensions: { code: 'INTERNAL' },
    });
    expect(JSON.stringify(answer)).not.toMatch(/prisma|zone"|relation|stack/i);
  });
});
