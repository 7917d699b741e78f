import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toGlobalId } from '../graphql/global-id.js';
import { moveOperation, seedMachine, seedOperation, seedSnapshot, seedTransition } from '../testing/seed.js';
import { type Subscriber, subscribeByEvents, subscribeByWebSocket } from '../testing/subscribers.js';
import { CREATE_TOKEN, startWorld, type World, text } from '../testing/world.js';

let world: World;
const open: Subscriber[] = [];

beforeAll(async () => {
  world = await startWorld();
});
afterEach(() => {
  for (const subscriber of open.splice(0)) subscriber.stop();
});
afterAll(() => world.stop());

const TRANSITIONS = `subscription ($after: Cursor, $filter: TransitionFilter) {
  stateTransitions(after: $after, filter: $filter) { cursor event { cursor from to reason subjectId subjectType subject { id } actor { kind } } }
}`;
const TREE = `subscription ($id: ID!, $after: Cursor) {
  snapshotTreeChanged(virtualMachineId: $id, after: $after) { cursor revision kind snapshotId snapshot { name } }
}`;
const transports = [
  ['WebSocket', subscribeByWebSocket],
  ['server-sent events', subscribeByEvents],
] as const;

type Subscribe = (typeof transports)[number][1];

function watch(
  subscribe: Subscribe,
  token: string,
  ...[query, variables = {}]: [query: string, variables?: Record<string, unknown>]
): Subscriber {
  const subscriber = subscribe({ url: world.url, token, query, variables });
  open.push(subscriber);
  return subscriber;
}

async function cursorNow(token: string): Promise<string> {
  return text((await world.ask(token, '{ cursor }')).data['cursor']);
}

/** Moves a machine on record, so that a transition with this reason is in the stream. */
function tell(of: World['acme'], reason: string): Promise<void> {
  return seedTransition(world.database.sql, { ...ofMachine(of), from: 'RUNNING', to: 'STOPPED', reason });
}

function ofMachine(of: World['acme']) {
  return { machine: of.machine, subjectType: 'VIRTUAL_MACHINE', subjectId: of.machine.id };
}

const reasons = (messages: Subscriber['messages']) => messages.map((one) => one.data?.['stateTransitions']?.['event']?.['reason']);
const codes = (messages: Subscriber['messages']) => messages.flatMap((one) => one.errors?.map((error) => error.extensions?.code) ?? []);

describe.each(transports)('stateTransitions over %s', (name, subscribe) => {
  it('replays everything after a cursor, once each and in order, then goes on live', async () => {
    const after = await cursorNow(world.acme.viewer);
    for (const n of [1, 2, 3]) await tell(world.acme, `${name} ${n}`);
    const subscriber = watch(subscribe, world.acme.viewer, TRANSITIONS, { after });
    await subscriber.until(3);
    await tell(world.acme, `${name} 4`);
    await subscriber.until(4);
    expect(reasons(subscriber.messages)).toEqual([1, 2, 3, 4].map((n) => `${name} ${n}`));
    const middle = subscriber.messages[1]?.data?.['stateTransitions']?.['cursor'];
    const resumed = watch(subscribe, world.acme.viewer, TRANSITIONS, { after: middle });
    expect(reasons(await resumed.until(2))).toEqual([`${name} 3`, `${name} 4`]);
    expect(subscriber.messages[0]?.data?.['stateTransitions']?.['event']).toMatchObject({
      from: 'RUNNING',
      to: 'STOPPED',
      subjectType: 'VIRTUAL_MACHINE',
      actor: { kind: 'SYSTEM' },
      subjectId: world.acme.machineId,
      subject: { id: world.acme.machineId },
    });
  });

  it('never sends what another project owns', async () => {
    const after = await cursorNow(world.acme.viewer);
    await tell(world.globex, 'secret');
    await tell(world.acme, 'own');
    const filtered = watch(subscribe, world.acme.owner, TRANSITIONS, { after, filter: { virtualMachineId: world.globex.machineId } });
    const all = watch(subscribe, world.acme.owner, TRANSITIONS, { after });
    const theirs = watch(subscribe, world.globex.viewer, TRANSITIONS, { after });
    expect(reasons(await all.until(1))).toEqual(['own']);
    expect(reasons(await theirs.until(1))).toEqual(['secret']);
    expect(filtered.messages).toEqual([]);
  });

  it('refuses a cursor that is not known any more, or never was', async () => {
    const foreign = Buffer.from('00000000-0000-4000-8000-000000000000:1').toString('base64url');
    const [, position] = Buffer.from(await cursorNow(world.acme.viewer), 'base64url')
      .toString()
      .split(':');
    const incarnation = Buffer.from(await cursorNow(world.acme.viewer), 'base64url')
      .toString()
      .split(':')[0];
    const ahead = Buffer.from(`${incarnation}:${Number(position) + 1_000_000}`).toString('base64url');
    for (const after of [foreign, ahead, 'nonsense']) {
      const subscriber = watch(subscribe, world.acme.viewer, TRANSITIONS, { after });
      await subscriber.ended;
      expect(codes(subscriber.messages)).toEqual(['CURSOR_EXPIRED']);
    }
  });

  it('ends when the token is revoked: what came before is sent, nothing later', async () => {
    const made = await world.ask(world.adminToken, CREATE_TOKEN, { projectId: world.acme.id, name: `revoked ${name}`, role: 'VIEWER' });
    const created = made.data['createAccessToken'];
    const after = await cursorNow(world.acme.viewer);
    const subscriber = watch(subscribe, text(created?.['token']), TRANSITIONS, { after });
    await tell(world.acme, 'before');
    await subscriber.until(1);
    const revoke = 'mutation ($id: ID!) { revokeAccessToken(input: { tokenId: $id }) { errors { code } } }';
    await world.ask(world.acme.owner, revoke, { id: created?.['accessToken']?.['id'] });
    await tell(world.acme, 'after');
    await subscriber.ended;
    expect(reasons(subscriber.messages)).toEqual(['before', undefined]);
    expect(codes(subscriber.messages)).toEqual(['UNAUTHENTICATED']);
  });
});

describe.each(transports)('snapshotTreeChanged over %s', (name, subscribe) => {
  it('tells each change with its revision, and only to the machine’s own project', async () => {
    const { sql } = world.database;
    const id = toGlobalId('VmSnapshot', await seedSnapshot(sql, world.acme.machine, { name: `tree ${name}`, parentId: null }));
    const read = 'query ($id: ID!) { virtualMachine(id: $id) { snapshotTree { revision cursor } } }';
    const tree = (await world.ask(world.acme.viewer, read, { id: world.acme.machineId })).data['virtualMachine']?.['snapshotTree'];
    const subscriber = watch(subscribe, world.acme.viewer, TREE, { id: world.acme.machineId, after: tree?.['cursor'] });
    const rename = 'mutation ($id: ID!, $name: String!) { updateVmSnapshot(input: { snapshotId: $id, name: $name }) { errors { code } } }';
    for (const n of [1, 2]) await world.ask(world.acme.operator, rename, { id, name: `${name} ${n}` });
    const changes = (await subscriber.until(2)).map((one) => one.data?.['snapshotTreeChanged']);
    expect(changes).toMatchObject([1, 2].map((n) => ({ kind: 'UPDATED', snapshotId: id, revision: Number(tree?.['revision']) + n })));
    expect(changes[1]).toMatchObject({ snapshot: { name: `${name} 2` } });
  });

  it('is NOT_FOUND for another project’s machine, and for no machine', async () => {
    for (const id of [world.globex.machineId, 'nonsense']) {
      const subscriber = watch(subscribe, world.acme.owner, TREE, { id });
      await subscriber.ended;
      expect(codes(subscriber.messages)).toEqual(['NOT_FOUND']);
    }
  });

  it('ends when the machine goes to another project', async () => {
    const { sql } = world.database;
    const machine = await seedMachine(sql, world.place, { projectId: world.acme.plain, name: `moving ${name}` });
    const id = toGlobalId('VirtualMachine', machine.id);
    const subscriber = watch(subscribe, world.acme.viewer, TREE, { id });
    const assign =
      'mutation ($id: ID!, $p: ID!) { assignVirtualMachine(input: { virtualMachineId: $id, projectId: $p }) { errors { code } } }';
    // The subscription begins on its own time: the machine goes to and fro until it is noticed.
    const moved = await world.ask(world.adminToken, assign, { id, p: world.globex.id });
    expect(moved.data).toEqual({ assignVirtualMachine: { errors: [] } });
    await subscriber.ended;
    expect(codes(subscriber.messages)).toEqual(['NOT_FOUND']);
  });
});

describe('operationProgress', () => {
  const PROGRESS = `subscription ($filter: OperationFilter!) {
    operationProgress(filter: $filter) { id state revision cancelable progress { percent } steps { kind state } }
  }`;

  it('sends each matching operation as it is, then every change, and nothing of another project', async () => {
    const { sql } = world.database;
    const [own, theirs] = [await seedOperation(sql, world.acme.machine), await seedOperation(sql, world.globex.machine)];
    const operationIds = [own, theirs].map((id) => toGlobalId('Operation', id));
    const subscriber = watch(subscribeByWebSocket, world.acme.viewer, PROGRESS, { filter: { operationIds, states: ['RUNNING'] } });
    await subscriber.until(1);
    await moveOperation(sql, world.globex.machine, { id: theirs, from: 'RUNNING', to: 'SUCCEEDED' });
    await moveOperation(sql, world.acme.machine, { id: own, from: 'RUNNING', to: 'SUCCEEDED' });
    const seen = (await subscriber.until(2)).map((one) => one.data?.['operationProgress']);
    expect(seen).toMatchObject([
      {
        id: operationIds[0],
        state: 'RUNNING',
        revision: 1,
        cancelable: false,
        progress: { percent: 50 },
        steps: [{ state: 'SUCCEEDED' }, { state: 'RUNNING' }],
      },
      { id: operationIds[0], state: 'SUCCEEDED', revision: 2, progress: { percent: 100 } },
    ]);
    expect(subscriber.messages).toHaveLength(2);
  });

  it('sends at most four a second, and the newest in the end', async () => {
    const { sql } = world.database;
    const machine = await seedMachine(sql, world.place, { projectId: world.acme.plain, name: 'busy' });
    const id = await seedOperation(sql, machine);
    const subscriber = watch(subscribeByWebSocket, world.acme.viewer, PROGRESS, {
      filter: { operationIds: [toGlobalId('Operation', id)] },
    });
    await subscriber.until(1);
    const started = Date.now();
    for (let n = 0; n < 40; n += 1) await moveOperation(sql, machine, { id, from: 'RUNNING', to: 'RUNNING' });
    await moveOperation(sql, machine, { id, from: 'RUNNING', to: 'FAILED' });
    const revision = () => subscriber.messages.at(-1)?.data?.['operationProgress']?.['revision'];
    for (let n = 2; Number(revision()) < 42; n += 1) await subscriber.until(n);
    const allowed = 2 + Math.ceil((Date.now() - started) / 250);
    expect(subscriber.messages.length).toBeLessThanOrEqual(allowed);
    expect(subscriber.messages.at(-1)?.data?.['operationProgress']).toMatchObject({ state: 'FAILED', revision: 42 });
  });
});
