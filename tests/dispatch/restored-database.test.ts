import { CursorExpired } from '@coppice/api/events/event-feed.js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import type { FakeAgent } from './fake-agent.js';
import { Installation, type Replica, requestOf, valueOf } from './installation.js';
import { about, ownerOf, MachineWorld } from './machine-world.js';

let installation: Installation;
let replica: Replica;
let agent: FakeAgent;
let machine: { id: string; uuid: string };

beforeEach(async () => {
  ({ installation, replica, agent, machine } = await MachineWorld.parts());
});
afterEach(() => installation.stop());

async function create() {
  return replica.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id));
}

/** The database as a dump of this moment would bring it back: an operation is open and its first command was sent. */
async function withOpenOperation(): Promise<void> {
  agent.behave = () => null;
  valueOf(await create());
  await agent.nthCommand(1);
}

async function driftOf(): Promise<unknown> {
  const [row] = await installation.database.sql(`SELECT drift->'findings'->0->>'code' AS code FROM virtual_machine`);
  return row?.['code'];
}

it('FL-restored: sends nothing again, discards nothing, fails what is open and expires old cursors; a machine that matches is free again', async () => {
  await withOpenOperation();
  const cursor = await replica.core.feed.head();
  agent.disconnect();
  // The host did more for the lost database: it knows a higher number than this one.
  agent.highest = { incarnation: agent.highest?.incarnation ?? '', number: 1000 };
  agent.received.length = 0;
  await agent.connect(replica.url);
  expect(agent.welcomed?.incarnation).not.toBe(cursor.incarnation);
  const [left] = await installation.database.sql(
    `SELECT (SELECT string_agg(state::text, ',') FROM operation) AS operations, (SELECT string_agg(state::text, ',') FROM command) AS commands,
       (SELECT string_agg(state::text, ',') FROM vm_snapshot) AS snapshots, (SELECT count(*)::int FROM claim) AS claims,
       (SELECT count(*)::int FROM layer WHERE state IN ('DISCARDING', 'DISCARDED')) AS discarded, (SELECT error->>'retryable' FROM operation) AS retryable`,
  );
  expect(left).toEqual({ operations: 'FAILED', commands: 'ABANDONED', snapshots: 'ERROR', claims: 0, discarded: 0, retryable: 'true' });
  expect(await driftOf()).toBe('DATABASE_RESTORED');
  expect(await create()).toMatchObject({ ok: false, refusals: [{ code: 'MACHINE_DRIFTED' }] });
  const filter = { projectIds: null, virtualMachineId: null, subjectId: null, subjectTypes: null };
  const replay = replica.core.feed.follow(cursor, filter, AbortSignal.timeout(5_000))[Symbol.asyncIterator]();
  await expect(replay.next()).rejects.toBeInstanceOf(CursorExpired);

  await agent.sendInventory();
  await waitUntil('the machine is reconciled', async () => (await driftOf()) === null);
  expect(agent.received).toEqual([]);
  agent.behave = (command) => ({ kind: 'done', result: agent.carryOut(command) });
  valueOf(await create());
  await waitUntil('READY', async () => (await installation.transitions('VM_SNAPSHOT')).includes('VM_SNAPSHOT CREATING→READY'));
});

it('FL-restored: keeps a machine drifted whose chains are not those of the restored records', async () => {
  agent.disconnect();
  agent.highest = { incarnation: (await replica.core.feed.head()).incarnation, number: 5 };
  for (const disk of agent.machine(machine.uuid).disks) {
    const [head] = disk.chain;
    if (head) disk.chain = [{ ...head, fileName: head.fileName.replace('.0.', '.1.') }, head];
  }
  await agent.connect(replica.url);
  await agent.sendInventory();
  await waitUntil('the difference is seen', async () => (await driftOf()) === 'CHAIN_DIFFERS');
  expect(await create()).toMatchObject({ ok: false, refusals: [{ code: 'MACHINE_DRIFTED' }] });
  // The layers of the lost time are adopted, and no name of them is ever given again.
  valueOf(await replica.core.machines.reconcile(ownerOf(installation), { ...about(machine), action: 'ADOPT' }));
  await waitUntil('the machine is reconciled', async () => (await driftOf()) === null);
  valueOf(await create());
  await waitUntil('READY', async () => (await installation.transitions('VM_SNAPSHOT')).includes('VM_SNAPSHOT CREATING→READY'));
  const rows = await installation.database.sql(`SELECT DISTINCT substring(file_name from '[.]([0-9]+)[.]') AS n FROM layer ORDER BY n`);
  expect(rows.map((row) => row['n'])).toEqual(['0', '1', '2']);
});

it('begins one incarnation only, however often the host comes back with the old number', async () => {
  const { incarnation } = await replica.core.feed.head();
  agent.highest = { incarnation, number: 5 };
  await agent.connect(replica.url);
  const began = agent.welcomed?.incarnation;
  await agent.connect(replica.url);
  await agent.connect(replica.url);
  expect(agent.welcomed?.incarnation).toBe(began);
  expect(began).not.toBe(incarnation);
});
