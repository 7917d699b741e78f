import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import { type FakeAgent, failure } from './fake-agent.js';
import { Installation, type Replica, valueOf } from './installation.js';
import { about, codeOf, driftOf, ended, snapshotOf } from './machine-world.js';

let installation: Installation;
let replica: Replica;
let source: FakeAgent;
let destination: FakeAgent;
let machine: { id: string; uuid: string };

beforeEach(async () => {
  installation = await Installation.start();
  replica = await installation.replica();
  source = await installation.host(replica, 'h1');
  destination = await installation.host(replica, 'h2');
  destination.migrationUri = 'qemu+unix:///system?socket=/run/h2';
  await destination.connect(replica.url);
  machine = await installation.machine(replica, source, 'web-1');
});
afterEach(() => installation.stop());

async function migrate(changed: { storagePoolId?: string; hostId?: string } = {}) {
  const request = { ...about(machine), hostId: destination.hostId ?? '', storagePoolId: null, ...changed };
  return replica.core.machines.migrate(installation.admin(), request);
}

async function hostOf(): Promise<string> {
  const [row] = await installation.database.sql('SELECT host_id AS host FROM virtual_machine WHERE id = $1', [machine.id]);
  return String(row?.['host']);
}

/** Messages are handled in order: one that is answered says that those before it were handled. */
async function allHeard(agent: FakeAgent): Promise<void> {
  const position = (agent.position += 1);
  const outcome = failure('INTERNAL', 'Nobody asked for this.');
  agent.say({ type: 'command.finished', commandId: randomUUID(), position, outcome, at: new Date().toISOString() });
  await waitUntil('all is heard', () => agent.acknowledged.includes(position));
}

/** The machine turns up at its destination as libvirt moves it: there before it is gone here. */
function arrive(): void {
  destination.machines.set(machine.uuid, source.machine(machine.uuid));
}

it('moves the machine in the transaction of the answer; the tree stays, and the next work goes to the new host', async () => {
  await snapshotOf(installation, replica, machine);
  const [before] = await installation.database.sql('SELECT tree_revision AS revision, current_snapshot_id AS current FROM virtual_machine');
  source.behave = (command) => {
    if (command.body.verb === 'migrate-machine') arrive();
    return { kind: 'done', result: source.carryOut(command) };
  };
  const { operationId } = valueOf(await migrate());
  expect(await ended(installation, operationId)).toEqual({ state: 'SUCCEEDED', code: null, machine: 'RUNNING', power: 'ON', claims: 0 });
  expect(await hostOf()).toBe(destination.hostId);
  expect(source.received.at(-1)?.body).toMatchObject({ verb: 'migrate-machine', destinationUri: destination.migrationUri });
  await waitUntil('the new host is looked at', () => destination.inventoryRequests.includes(machine.uuid));
  const [after] = await installation.database.sql('SELECT tree_revision AS revision, current_snapshot_id AS current FROM virtual_machine');
  expect(after).toEqual(before);
  expect((await installation.transitions('VIRTUAL_MACHINE')).slice(-3)).toEqual([
    'VIRTUAL_MACHINE RUNNING→MIGRATING',
    'VIRTUAL_MACHINE MIGRATING→MIGRATING',
    'VIRTUAL_MACHINE MIGRATING→RUNNING',
  ]);
  await snapshotOf(installation, replica, machine);
  expect(destination.received.map(({ body }) => body.verb)).toEqual(['create-layers', 'freeze-layers']);
  // The agent keeps the highest epoch of a machine: what an older operation of the old host says is refused there.
  expect(destination.received[0]?.machineEpoch).toBeGreaterThan(source.received.at(-1)?.machineEpoch ?? 0);
  await source.sendInventory();
  expect(await driftOf(installation, machine)).toBeNull();
});

it('takes a machine that both hosts show for one, as long as its migration runs', async () => {
  source.behave = () => null;
  const { operationId } = valueOf(await migrate());
  const command = await source.nthCommand(1);
  arrive();
  await destination.sendInventory();
  source.machines.delete(machine.uuid);
  await source.sendInventory();
  for (const agent of [source, destination]) await allHeard(agent);
  const [row] = await installation.database.sql(
    'SELECT count(*)::int AS machines, min(state::text) AS state, bool_or(drift IS NOT NULL) AS drift FROM virtual_machine',
  );
  expect(row).toEqual({ machines: 1, state: 'MIGRATING', drift: false });
  source.finish(command, { kind: 'done', result: { verb: 'migrate-machine', power: 'ON' } });
  expect(await ended(installation, operationId)).toMatchObject({ state: 'SUCCEEDED', machine: 'RUNNING' });
  expect(await hostOf()).toBe(destination.hostId);
});

it('leaves the machine where it is when its host says no', async () => {
  source.behave = () => failure('IO_ERROR', 'The other host does not answer.');
  const { operationId } = valueOf(await migrate());
  expect(await ended(installation, operationId)).toMatchObject({ state: 'FAILED', code: 'IO_ERROR', machine: 'RUNNING', claims: 0 });
  expect(await hostOf()).toBe(source.hostId);
});

it('records an answer that comes in a later session, and never sends the command to the new host', async () => {
  source.behave = () => null;
  const { operationId } = valueOf(await migrate());
  const command = await source.nthCommand(1);
  source.disconnect();
  await source.connect(replica.url);
  const again = await source.nthCommand(2);
  expect(again.id).toBe(command.id);
  arrive();
  source.machines.delete(machine.uuid);
  source.finish(command, { kind: 'done', result: { verb: 'migrate-machine', power: 'ON' } });
  expect(await ended(installation, operationId)).toMatchObject({ state: 'SUCCEEDED' });
  source.finish(command, { kind: 'done', result: { verb: 'migrate-machine', power: 'ON' } });
  expect(destination.received).toEqual([]);
});

it('refuses plainly: another pool, no address, no host, a host that is away', async () => {
  expect(codeOf(await migrate({ storagePoolId: '00000000-0000-7000-8000-00000000000a' }))).toBe('CAPABILITY_DISABLED');
  expect(codeOf(await migrate({ hostId: '00000000-0000-7000-8000-00000000000b' }))).toBe('NOT_FOUND');
  destination.migrationUri = null;
  await destination.connect(replica.url);
  expect(codeOf(await migrate())).toBe('CAPABILITY_DISABLED');
  destination.disconnect();
  await waitUntil('h2 is away', async () => {
    const [row] = await installation.database.sql(`SELECT state::text FROM host WHERE name = 'h2'`);
    return row?.['state'] === 'DISCONNECTED';
  });
  expect(codeOf(await migrate())).toBe('HOST_UNAVAILABLE');
});

it('leaves a host in maintenance, which gets no other work; out of it the host is what its session says', async () => {
  const { installation: changes, machines } = replica.core;
  const hostId = source.hostId ?? '';
  source.behave = (command) => {
    if (command.body.verb === 'migrate-machine') arrive();
    return { kind: 'done', result: source.carryOut(command) };
  };
  valueOf(await changes.setHostMaintenance(installation.admin(), { hostId, maintenance: true }));
  expect(codeOf(await machines.stop(installation.operator(), { ...about(machine), force: false }))).toBe('HOST_UNAVAILABLE');
  const { operationId } = valueOf(await migrate());
  expect(await ended(installation, operationId)).toMatchObject({ state: 'SUCCEEDED' });
  valueOf(await changes.setHostMaintenance(installation.admin(), { hostId, maintenance: false }));
  const [row] = await installation.database.sql('SELECT state::text FROM host WHERE id = $1', [hostId]);
  expect(row?.['state']).toBe('UP');
});
