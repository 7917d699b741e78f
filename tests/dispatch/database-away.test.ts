import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import { DatabaseLink } from './database-link.js';
import type { FakeAgent } from './fake-agent.js';
import { Installation, type Replica, requestOf, valueOf } from './installation.js';

let installation: Installation;
let link: DatabaseLink;
let replica: Replica;
let agent: FakeAgent;
let machine: { id: string; uuid: string };

beforeEach(async () => {
  installation = await Installation.start();
  link = await DatabaseLink.open(installation.database.url);
  replica = await installation.replica(link.url);
  agent = await installation.host(replica, 'h1');
  machine = await installation.machine(replica, agent, 'web-1');
});
afterEach(async () => {
  link.comeBack();
  await installation.stop();
  link.close();
});

async function count(what: string): Promise<number> {
  const [row] = await installation.database.sql(`SELECT count(*)::int AS n FROM ${what}`);
  return Number(row?.['n']);
}

it('answers with the operation that was committed although the answer of the commit was lost', async () => {
  link.loseNextCommit('answer-lost');
  const created = valueOf(await replica.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id)));
  expect(link.lostCommits).toBe(1);
  expect(await count(`operation WHERE id = '${created.operationId}'`)).toBe(1);
  await waitUntil('READY', async () => (await count(`vm_snapshot WHERE state = 'READY'`)) === 1);
  expect(await count('operation')).toBe(1);
});

it('does it again, once, where the commit never arrived', async () => {
  link.loseNextCommit('never-arrives');
  const created = valueOf(await replica.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id)));
  expect(link.lostCommits).toBe(1);
  await waitUntil('READY', async () => (await count(`vm_snapshot WHERE state = 'READY' AND id = '${created.snapshotId}'`)) === 1);
  expect(await count('operation')).toBe(1);
});

it('FL-database: acknowledges a report only once its commit is known, and sends each command once per session', async () => {
  for (const fate of ['answer-lost', 'never-arrives'] as const) {
    agent.received.length = 0;
    const behave = agent.behave;
    // The next commit is the one that records the first result.
    agent.behave = (command) => {
      if (command.body.verb === 'create-layers') link.loseNextCommit(fate);
      return behave(command);
    };
    const created = valueOf(await replica.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id)));
    await waitUntil('READY', async () => (await count(`vm_snapshot WHERE state = 'READY' AND id = '${created.snapshotId}'`)) === 1);
    await waitUntil('both are acknowledged', () => agent.acknowledged.includes(agent.position));
    expect(agent.received.map((command) => command.body.verb)).toEqual(['create-layers', 'freeze-layers']);
    agent.behave = behave;
  }
});

it('FL-database: keeps the hosts’ sockets while the database is away, says that it is not ready, and goes on by itself', async () => {
  const behave = agent.behave;
  agent.behave = () => null;
  const created = valueOf(await replica.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id)));
  const command = await agent.nthCommand(1);
  const follower = replica.core.feed.follow(
    await replica.core.feed.head(),
    { projectIds: null, virtualMachineId: null, subjectId: created.snapshotId, subjectTypes: null },
    AbortSignal.timeout(60_000),
  );
  link.goAway();
  await waitUntil('not ready', () => !replica.core.ready());
  agent.behave = behave;
  agent.finish(command, { kind: 'done', result: agent.carryOut(command) });
  await expect(replica.core.createVmSnapshot.plan(installation.operator(), requestOf(machine.id))).rejects.toThrow();
  link.comeBack();
  await waitUntil('ready', () => replica.core.ready());
  await waitUntil('READY', async () => (await count(`vm_snapshot WHERE state = 'READY'`)) === 1);
  expect(agent.closeCode).toBeNull();
  expect(agent.welcomed?.sessionEpoch).toBe(1);
  const seen: string[] = [];
  for await (const batch of follower) {
    seen.push(...batch.records.map((record) => record.to));
    if (seen.includes('READY')) break;
  }
  expect(seen.at(-1)).toBe('READY');
});
