/** PostgreSQL goes away and comes back, and yesterday's dump comes back. The server is this file's own, and durable. */
import { mkdtemp } from 'node:fs/promises';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EventStream } from '../testkit/event-stream.js';
import { expectChains } from '../testkit/on-disk.js';
import { sha256Of } from '../testkit/outside-probes.js';
import { type PostgresPlace, type PostgresServer, startPostgres, stopPostgres } from '../testkit/postgres-server.js';
import { runFolder, runLedger, takePort } from '../testkit/run-folder.js';
import { expectHonestContent, expectSettled } from '../testkit/settled.js';
import { askForSnapshot, beginSnapshot, cursorOf, snapshotIn, takeSnapshot, treeOf } from '../testkit/snapshot-calls.js';
import { migrateTemplate } from '../testkit/template-database.js';
import { TransitionSubscriber } from '../testkit/transition-subscriber.js';
import { STATE_TRANSITIONS } from '../testkit/transition-subscriber.js';
import { waitUntil } from '../testkit/wait-until.js';
import { type KnownMachine, World } from '../testkit/world.js';

let place: PostgresPlace;
let server: PostgresServer;
let world: World;
let known: KnownMachine;

beforeAll(async () => {
  const dir = await mkdtemp(join(runFolder(), 'database-'));
  chmodSync(dir, 0o711);
  place = { dataDir: join(dir, 'postgres'), port: await takePort(), ledgerPath: runLedger(), isDurable: true };
  server = await startPostgres(place);
  await migrateTemplate(server.adminUrl);
  world = await World.start({ hosts: ['h1'], adminUrl: server.adminUrl });
  known = await world.addMachine({ name: 'web-1' });
});
afterAll(async () => {
  await world?.stop();
  if (server !== undefined) await stopPostgres(server);
});

it.each(['SIGINT', 'SIGKILL'] as const)(
  'FL-database: the database is ended with %s while a snapshot is CREATING and started again: the API carries on by itself',
  async (signal) => {
    const after = await cursorOf(world.as(world.acme.viewerToken));
    const watcher = TransitionSubscriber.open({ transport: 'ws', urls: [world.replica().url], token: world.acme.viewerToken, after });
    world.host('h1').agent.pause();
    const { id } = await beginSnapshot(world.as(world.acme.operatorToken), known, { quiesce: true });
    await snapshotIn(world.admin, id, 'CREATING');
    await stopPostgres(server, signal);
    world.host('h1').agent.resume();
    await waitUntil('the API to say that it is not ready', async () => !(await fetch(`${world.replica().origin}/readyz`)).ok);
    expect((await fetch(`${world.replica().origin}/healthz`)).ok).toBe(true);
    server = await startPostgres(place);
    await world.replica().isReady();
    expect(world.replica().process.isRunning()).toBe(true);
    await watcher.until('READY', () => watcher.statesOf(id).includes('READY'));
    expect(watcher.statesOf(id)).toEqual(['ALLOCATED', 'CREATING', 'READY']);
    watcher.close();
    await expectHonestContent(world, await expectSettled(world, known, id));
  },
);

it("FL-restored: yesterday's database is restored: nothing is sent again, nothing is discarded, the machine is reconciled before it is touched", async () => {
  const before = await takeSnapshot(world.as(world.acme.operatorToken), known, { name: 'before the dump' });
  await copyDatabase(world.database.name, 'yesterday');
  // Its connections have just been ended; the next request gets new ones.
  const cursor = await waitUntil('a cursor', () => cursorOf(world.as(world.acme.viewerToken)));
  const lost = await takeSnapshot(world.as(world.acme.operatorToken), known, { name: 'after the dump' });
  const frozen = (await snapshotIn(world.admin, lost.id, 'READY')).disks.map((disk) => world.layerPath(disk));
  const hashes = await Promise.all(frozen.map(sha256Of));
  const layers = (await treeOf(world.admin, known)).snapshotTree.nodes.length + 1;

  await world.replica().kill();
  await copyDatabase('yesterday', world.database.name);
  await world.replica().start();
  await world.waitForHost('h1');

  // The record knows nothing of the last snapshot; its files are there, untouched, and the difference is shown.
  expect((await treeOf(world.admin, known)).snapshotTree.current?.id).toBe(before.id);
  const document = 'query Drift($id: ID!) { virtualMachine(id: $id) { drift { findings { code } } } }';
  await waitUntil('the drift to be shown', async () => {
    const answer = await world.admin.ask<{ virtualMachine: { drift: object | null } }>(document, { id: known.id });
    return answer.virtualMachine.drift !== null;
  });
  const refused = await askForSnapshot(world.as(world.acme.operatorToken), known, {});
  expect(refused.errors.map((error) => error.code)).toEqual(['MACHINE_DRIFTED']);
  expect(await Promise.all(frozen.map(sha256Of))).toEqual(hashes);
  await expectChains(world, known, { vda: layers, vdb: layers });

  const old = EventStream.open({
    transport: 'ws',
    url: world.replica().url,
    token: world.acme.viewerToken,
    document: STATE_TRANSITIONS,
    variables: { after: cursor },
  });
  await old.until('an end', () => old.hasEnded);
  expect(JSON.stringify(old.failure)).toContain('CURSOR_EXPIRED');
});

/** A dump and its restoring in one: the other database becomes a copy of this one. Nobody may be connected to either. */
async function copyDatabase(from: string, to: string): Promise<void> {
  const client = new Client({ connectionString: server.adminUrl });
  await client.connect();
  try {
    await client.query(`DROP DATABASE IF EXISTS ${to} WITH (FORCE)`);
    await client.query(`ALTER DATABASE ${from} ALLOW_CONNECTIONS false`);
    await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [from]);
    await waitUntil('nobody to be connected', async () => {
      const { rowCount } = await client.query('SELECT 1 FROM pg_stat_activity WHERE datname = $1', [from]);
      return rowCount === 0;
    });
    await client.query(`CREATE DATABASE ${to} TEMPLATE ${from}`);
    for (const name of [from, to]) await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
  } finally {
    await client.end();
  }
}
