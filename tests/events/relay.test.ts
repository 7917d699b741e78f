import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pause, waitUntil } from '../testkit/wait-until.js';
import { EVERYTHING, faultsOf, Follower, move, StreamWorld } from './stream-world.js';

let world: StreamWorld;

beforeEach(async () => {
  world = await StreamWorld.start();
});
afterEach(() => world.stop());

/** Chance with a seed, so that a failure can be had again. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/** Commits, rolls back, or has its backend killed before or during the commit; counts what was certainly committed. */
async function write(n: number, transactions: number): Promise<number> {
  const random = chance(n + 1);
  const killer = await world.client();
  let client = await world.client();
  let committed = 0;
  for (let i = 0; i < transactions; i += 1) {
    try {
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await client.query('BEGIN');
      await move(client, world.machine(Math.floor(random() * 4)));
      const fate = random();
      const killed = fate < 0.2 ? killer.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]) : null;
      if (fate < 0.1) await killed;
      await client.query(fate > 0.85 ? 'ROLLBACK' : 'COMMIT');
      if (fate <= 0.85) committed += 1;
      await killed;
    } catch {
      client = await world.client();
    }
  }
  await client.end();
  await killer.end();
  return committed;
}

it('loses nothing and keeps each machine’s order under 20 writers with rollbacks and killed backends, on two feeds at once', async () => {
  const seeds = await world.client();
  for (let i = 0; i < 700; i += 1) await move(seeds, world.machine(i));
  await seeds.end();
  const replicas = [await world.replica(), await world.replica()];
  const { incarnation } = await (replicas[0] ?? (await world.replica())).feed.head();
  const followers = replicas.map((core) => new Follower(core.feed, { incarnation, position: 0n }));
  const committed = await Promise.all(Array.from({ length: 20 }, (_, n) => write(n, 25)));
  const certain = committed.reduce((sum, n) => sum + n, 0) + 700;
  const counted = await waitUntil('everything is numbered', async () => {
    const [row] = await world.database.sql(
      `SELECT count(*)::int AS rows, count(pos)::int AS numbered, max(pos)::int AS head,
         (SELECT sum(tree_revision)::int FROM virtual_machine) AS moves FROM transition`,
    );
    return row && row['rows'] === row['numbered'] ? row : undefined;
  });
  const rows = Number(counted['rows']);
  // A commit whose backend was killed may have been done; then its machine has moved too.
  expect(rows).toBeGreaterThanOrEqual(certain);
  expect(counted).toMatchObject({ numbered: rows, head: rows, moves: rows });
  for (const follower of followers) {
    await waitUntil('the follower has it all', () => follower.last === BigInt(rows), { describe: () => String(follower.last) });
    await follower.stop();
    expect(follower.records).toHaveLength(rows);
    expect(faultsOf(follower.records)).toEqual([]);
  }
});

it('replays to one who wants everything what its replica never had in memory', async () => {
  const client = await world.client();
  for (let i = 0; i < 30; i += 1) await move(client, world.machine(i));
  const first = await world.replica();
  await waitUntil('the past is numbered', async () => (await first.feed.head()).position === 30n);
  const { feed } = await world.replica();
  const head = await feed.head();
  expect(head.position).toBe(30n);
  const follower = new Follower(feed, { ...head, position: 0n });
  for (let i = 0; i < 10; i += 1) await move(client, world.machine(i));
  await waitUntil('it has come to the end', () => follower.last === 40n);
  await follower.stop();
  expect(follower.records).toHaveLength(40);
  expect(faultsOf(follower.records)).toEqual([]);
  await client.end();
});

it('goes from replay to live without a gap or a double wherever one begins, and filters the same in both', async () => {
  const client = await world.client();
  for (let i = 0; i < 1_300; i += 1) await move(client, world.machine(i));
  const old = await world.replica();
  const { incarnation } = await old.feed.head();
  await waitUntil('the past is numbered', async () => (await old.feed.head()).position === 1_300n);
  const begins = [0n, 1n, 499n, 500n, 777n, 1_299n, 1_300n];
  const followers = begins.map((position) => new Follower(old.feed, { incarnation, position }));
  const only = world.machine(1);
  const filtered = new Follower(old.feed, { incarnation, position: 3n }, { ...EVERYTHING, virtualMachineId: only });
  for (let i = 0; i < 300; i += 1) await move(client, world.machine(i));
  await waitUntil('all have come to the end', () => followers.every((follower) => follower.last === 1_600n));
  await waitUntil('the filtered one too', () => filtered.last >= 1_596n);
  for (const [index, follower] of followers.entries()) {
    await follower.stop();
    expect(faultsOf(follower.records, begins[index])).toEqual([]);
  }
  await filtered.stop();
  expect(filtered.records).toHaveLength(399);
  expect(new Set(filtered.records.map((record) => record.subjectId))).toEqual(new Set([only]));
  await client.end();
});

it('is not stalled by a writer that is stopped in the middle of its transaction: that one is numbered when it commits', async () => {
  const { feed } = await world.replica();
  const follower = new Follower(feed, await feed.head());
  const stopped = await world.client();
  await stopped.query('BEGIN');
  await move(stopped, world.machine(0));
  const others = await world.client();
  for (let i = 0; i < 50; i += 1) await move(others, world.machine(1));
  await waitUntil('the others are seen', () => follower.records.length === 50);
  await stopped.query('COMMIT');
  await waitUntil('the late one comes last', () => follower.records.length === 51);
  expect(follower.records.at(-1)?.subjectId).toBe(world.machine(0));
  expect(faultsOf(follower.records)).toEqual([]);
  await follower.stop();
  await stopped.end();
  await others.end();
});

it('is not stalled by a replica that is stopped anywhere in the middle of numbering, or whose backend is killed there', async () => {
  const { feed } = await world.replica();
  const follower = new Follower(feed, await feed.head());
  const writer = await world.client();
  const relays = [await startRelayProcess(), await startRelayProcess()];
  for (let round = 1; round <= 10; round += 1) {
    for (const relay of relays) relay.kill('SIGSTOP');
    for (let i = 0; i < 10; i += 1) await move(writer, world.machine(i));
    await waitUntil('numbered by those who live', () => follower.records.length === round * 10);
    if (round % 3 === 0) {
      await writer.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'test-relay' AND pid <> pg_backend_pid()`,
      );
    }
    for (const relay of relays) relay.kill('SIGCONT');
    await pause(Math.random() * 10);
  }
  expect(faultsOf(follower.records)).toEqual([]);
  for (const relay of relays) relay.kill('SIGKILL');
  await follower.stop();
  await writer.end();
});

/** A process that numbers without a pause. */
async function startRelayProcess(): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('./relay-process.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, world.database.url], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (!child.stdout) throw new Error('no stdout');
  await once(child.stdout, 'data');
  return child;
}
