/** Every access rule has its twin: what acme sees, globex gets as NOT_FOUND or null, never as FORBIDDEN; a VIEWER may not write. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventStream } from '../testkit/event-stream.js';
import type { GraphqlClient } from '../testkit/graphql-client.js';
import { askForSnapshot, cursorOf, findSnapshot, type SnapshotAnswer, takeSnapshot } from '../testkit/snapshot-calls.js';
import { STATE_TRANSITIONS, TransitionSubscriber } from '../testkit/transition-subscriber.js';
import { type KnownMachine, World } from '../testkit/world.js';

let world: World;
let known: KnownMachine;
let snapshot: SnapshotAnswer;
let start: string;
let acme: GraphqlClient;
let globex: GraphqlClient;

beforeAll(async () => {
  world = await World.start({ hosts: ['h1'] });
  known = await world.addMachine({ name: 'acme-1', power: 'off' });
  acme = world.as(world.acme.operatorToken);
  globex = world.as(world.globex.ownerToken);
  start = await cursorOf(world.admin);
  snapshot = await takeSnapshot(acme, known, { name: 'secret' });
});
afterAll(async () => {
  await world?.stop();
});

const CONNECTIONS = [
  ['virtualMachines', 'virtualMachines(first: 100) { nodes { id } totalCount }'],
  ['vmSnapshots', 'vmSnapshots(first: 100) { nodes { id } totalCount }'],
  ['operations', 'operations(first: 100) { nodes { id } totalCount }'],
  ['volumes', 'volumes(first: 100) { nodes { id } totalCount }'],
] as const;

describe('another project', () => {
  it('finds no machine, snapshot, volume or operation by node(), where the owner finds each', async () => {
    const ids = [known.id, snapshot.id, snapshot.operation?.id ?? '', known.volumes['vda'] ?? '', world.acme.id];
    for (const id of ids) {
      const document = 'query Node($id: ID!) { node(id: $id) { __typename id } }';
      expect((await acme.ask<{ node: { id: string } | null }>(document, { id })).node?.id, id).toBe(id);
      expect((await globex.ask<{ node: { id: string } | null }>(document, { id })).node, id).toBeNull();
    }
    expect(
      (await globex.ask<{ virtualMachine: unknown }>('query M($id: ID!) { virtualMachine(id: $id) { id } }', { id: known.id }))
        .virtualMachine,
    ).toBeNull();
  });

  it.each(CONNECTIONS)('sees nothing in %s, where the owner sees something', async (field, selection) => {
    type Answer = Record<string, { nodes: { id: string }[]; totalCount: number }>;
    const answer = await globex.send<Answer>(`query List { ${selection} }`);
    const own = await acme.send<Answer>(`query List { ${selection} }`);
    // A list of a later part of the product may not be there yet; then it is there for nobody.
    if (own.data === null) return expect(answer.data).toBeNull();
    expect(own.data[field]?.totalCount).toBeGreaterThan(0);
    expect(answer.data?.[field]).toEqual({ nodes: [], totalCount: 0 });
  });

  it('gets NOT_FOUND for a snapshot of the machine, and nothing is made', async () => {
    for (const token of [world.globex.ownerToken, world.globex.operatorToken, world.globex.viewerToken]) {
      const answer = await askForSnapshot(world.as(token), known, { name: 'mine now' });
      expect(answer.snapshot).toBeNull();
      expect(answer.errors.map((error) => error.code)).toEqual(['NOT_FOUND']);
    }
    const unknown = await askForSnapshot(globex, { id: known.id.slice(0, -4) + 'AAAA' }, { name: 'x' });
    expect(unknown.errors.map((error) => error.code)).not.toContain('FORBIDDEN');
  });

  it('sees no transition of it, live or replayed, by WebSocket or SSE', async () => {
    const watchers = (['ws', 'sse'] as const).map((transport) =>
      TransitionSubscriber.open({ transport, urls: [world.replica().url], token: world.globex.viewerToken, after: start }),
    );
    const own = TransitionSubscriber.open({ transport: 'ws', urls: [world.replica().url], token: world.acme.viewerToken, after: start });
    const second = await takeSnapshot(acme, known, { name: 'live' });
    await own.until('READY', () => own.statesOf(second.id).includes('READY'));
    // Something of its own, later in the same stream: all that is before it has been judged then.
    const theirs = await world.addMachine({ name: `globex-1`, power: 'off', project: world.globex });
    const last = await takeSnapshot(globex, theirs, {});
    for (const watcher of watchers) {
      await watcher.until('its own', () => watcher.statesOf(last.id).includes('READY'));
      expect(watcher.seen.filter((one) => [snapshot.id, second.id, known.id, snapshot.operation?.id].includes(one.subjectId))).toEqual([]);
      watcher.close();
    }
    expect(own.statesOf(last.id)).toEqual([]);
    own.close();
  });

  it('is refused a subscription on the machine itself, as one that does not exist would be', async () => {
    const tree = 'subscription Tree($id: ID!) { snapshotTreeChanged(virtualMachineId: $id) { cursor revision } }';
    for (const transport of ['ws', 'sse'] as const) {
      const stream = EventStream.open({
        transport,
        url: world.replica().url,
        token: world.globex.ownerToken,
        document: tree,
        variables: { id: known.id },
      });
      await stream.until('an end', () => stream.hasEnded);
      expect(stream.events).toEqual([]);
      expect(JSON.stringify(stream.failure)).toContain('NOT_FOUND');
    }
  });
});

describe('a caller without rights', () => {
  it('a VIEWER reads and may not take a snapshot', async () => {
    const viewer = world.as(world.acme.viewerToken);
    expect((await findSnapshot(viewer, snapshot.id))?.name).toBe('secret');
    const answer = await askForSnapshot(viewer, known, {});
    expect(answer.errors.map((error) => error.code)).toEqual(['FORBIDDEN']);
  });

  it('a tenant sees no path of a file, which ADMIN sees', async () => {
    for (const disk of (await findSnapshot(acme, snapshot.id))?.disks ?? []) expect(disk.layerPath).toBeNull();
    for (const disk of (await findSnapshot(world.admin, snapshot.id))?.disks ?? []) expect(disk.layerPath).toContain('volume-');
  });

  it('a tenant may not do what an ADMIN may', async () => {
    for (const document of [
      'mutation Z { createZone(input: { name: "mine" }) { zone { id } errors { code } } }',
      'mutation P { createProject(input: { name: "mine" }) { project { id } errors { code } } }',
    ]) {
      const text = JSON.stringify(await globex.send(document));
      expect(text).toMatch(/FORBIDDEN|NOT_FOUND/);
      expect(text).not.toContain('"id"');
    }
  });

  it('without a token, or with a wrong one, nothing answers: neither queries nor subscriptions', async () => {
    for (const token of ['', 'wrong', `${world.acme.ownerToken}x`]) {
      const answer = await world.as(token).send<{ viewer: unknown }>('query Me { viewer { id } }');
      expect(answer.data?.viewer ?? null).toBeNull();
      expect(answer.errors.length).toBeGreaterThan(0);
      for (const transport of ['ws', 'sse'] as const) {
        const stream = EventStream.open({ transport, url: world.replica().url, token, document: STATE_TRANSITIONS });
        await stream.until('an end', () => stream.hasEnded);
        expect(stream.events).toEqual([]);
      }
    }
  });
});
