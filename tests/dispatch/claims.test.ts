import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import type { FakeAgent } from './fake-agent.js';
import { Installation, type Replica, requestOf, valueOf } from './installation.js';

let installation: Installation;
let replicas: [Replica, Replica];
let agent: FakeAgent;

beforeEach(async () => {
  installation = await Installation.start();
  replicas = [await installation.replica(), await installation.replica()];
  agent = await installation.host(replicas[0], 'h1');
});
afterEach(() => installation.stop());

async function operationsIn(state: string): Promise<number> {
  const [row] = await installation.database.sql('SELECT count(*)::int AS n FROM operation WHERE state::text = $1', [state]);
  return Number(row?.['n']);
}

async function deadlocks(): Promise<number> {
  const [row] = await installation.database.sql('SELECT deadlocks::int AS n FROM pg_stat_database WHERE datname = current_database()');
  return Number(row?.['n']);
}

it('lets exactly one of 20 clients on two replicas run, and every refusal is MACHINE_BUSY naming it', async () => {
  const machine = await installation.machine(replicas[0], agent, 'web-1');
  agent.behave = () => null;
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      replicas[n % 2 === 0 ? 0 : 1].core.createVmSnapshot.create(installation.operator(), requestOf(machine.id)),
    ),
  );
  const started = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.value] : []));
  const refusals = outcomes.flatMap((outcome) => (outcome.ok ? [] : outcome.refusals));
  expect(started).toHaveLength(1);
  expect(new Set(refusals.map((refusal) => `${refusal.code} ${refusal.operationId}`))).toEqual(
    new Set([`MACHINE_BUSY ${started[0]?.operationId}`]),
  );
  expect(await operationsIn('RUNNING')).toBe(1);
  expect(await deadlocks()).toBe(0);
});

it('never has two operations at once while 20 clients try again and again, without a deadlock', async () => {
  const machine = await installation.machine(replicas[0], agent, 'web-1');
  const other = await installation.machine(replicas[0], agent, 'db-1');
  const names = new Set<string>();
  const client = async (n: number) => {
    const { core } = n % 2 === 0 ? replicas[0] : replicas[1];
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const target = attempt % 2 === 0 ? machine : other;
      const outcome = await core.createVmSnapshot.create(installation.operator(), requestOf(target.id));
      if (outcome.ok) names.add(outcome.value.operationId);
      else expect(outcome.refusals[0]).toMatchObject({ code: 'MACHINE_BUSY', operationId: expect.any(String) });
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, n) => client(n)));
  await waitUntil('all have ended', async () => (await operationsIn('RUNNING')) === 0);
  expect(await operationsIn('SUCCEEDED')).toBe(names.size);
  const [overlaps] = await installation.database.sql(
    `SELECT count(*)::int AS n FROM operation a JOIN operation b ON a.virtual_machine_id = b.virtual_machine_id AND a.id < b.id
     JOIN transition ea ON ea.operation_id = a.id AND ea.subject_type = 'OPERATION' AND ea.to_state = 'SUCCEEDED'
     JOIN transition sb ON sb.operation_id = b.id AND sb.subject_type = 'OPERATION' AND sb.to_state = 'RUNNING'
     JOIN transition sa ON sa.operation_id = a.id AND sa.subject_type = 'OPERATION' AND sa.to_state = 'RUNNING'
     JOIN transition eb ON eb.operation_id = b.id AND eb.subject_type = 'OPERATION' AND eb.to_state = 'SUCCEEDED'
     WHERE sb.pos < ea.pos AND sa.pos < eb.pos`,
  );
  expect(overlaps).toEqual({ n: 0 });
  expect(await deadlocks()).toBe(0);
  const [chains] = await installation.database.sql(`SELECT count(*)::int AS n FROM virtual_machine WHERE drift IS NOT NULL`);
  expect(chains).toEqual({ n: 0 });
});

it('answers the same operation for the same key, a conflict for another body, also for two at once', async () => {
  const machine = await installation.machine(replicas[0], agent, 'web-1');
  agent.behave = () => null;
  const request = requestOf(machine.id, { idempotencyKey: 'nightly', name: 'one' });
  const both = await Promise.all(replicas.map((replica) => replica.core.createVmSnapshot.create(installation.operator(), request)));
  const [first, second] = both.map(valueOf);
  expect(second).toEqual(first);
  const again = await replicas[1].core.createVmSnapshot.create(installation.operator(), request);
  expect(valueOf(again)).toEqual(first);
  const other = await replicas[0].core.createVmSnapshot.create(installation.operator(), { ...request, name: 'two' });
  expect(other).toMatchObject({ ok: false, refusals: [{ code: 'IDEMPOTENCY_CONFLICT' }] });
  const stranger = await replicas[0].core.createVmSnapshot.create(installation.operator('00000000-0000-7000-8000-000000000002'), request);
  expect(stranger).toMatchObject({ ok: false, refusals: [{ code: 'MACHINE_BUSY', operationId: first?.operationId }] });
});

it('forgets a key after 24 hours', async () => {
  const machine = await installation.machine(replicas[0], agent, 'web-1');
  const request = requestOf(machine.id, { idempotencyKey: 'nightly' });
  const first = valueOf(await replicas[0].core.createVmSnapshot.create(installation.operator(), request));
  await waitUntil('its end', async () => (await operationsIn('SUCCEEDED')) === 1);
  installation.clock.forward(24 * 3_600_000 + 1);
  const second = valueOf(await replicas[0].core.createVmSnapshot.create(installation.operator(), request));
  expect(second.operationId).not.toBe(first.operationId);
});

it('tells nothing of a machine to another project, and refuses a viewer of its own', async () => {
  const machine = await installation.machine(replicas[0], agent, 'web-1');
  const stranger = { ...installation.operator(), roles: new Map() };
  const viewer = { ...installation.operator(), roles: new Map([[installation.projectId, 'VIEWER' as const]]) };
  const { createVmSnapshot } = replicas[0].core;
  const answers = [
    await createVmSnapshot.create(stranger, requestOf(machine.id)),
    await createVmSnapshot.create(stranger, requestOf('00000000-0000-7000-8000-00000000dead')),
    await createVmSnapshot.create(viewer, requestOf(machine.id)),
  ];
  expect(answers.map((answer) => (answer.ok ? 'ok' : answer.refusals[0].code))).toEqual(['NOT_FOUND', 'NOT_FOUND', 'FORBIDDEN']);
  expect(JSON.stringify(answers[0])).toBe(JSON.stringify(answers[1]));
});
