import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import { failure } from './fake-agent.js';
import { Installation, requestOf, valueOf } from './installation.js';

let installation: Installation;

beforeEach(async () => {
  installation = await Installation.start();
});
afterEach(() => installation.stop());

async function snapshotState(id: string): Promise<string> {
  const [row] = await installation.database.sql('SELECT state FROM vm_snapshot WHERE id = $1', [id]);
  return String(row?.['state']);
}

it('goes ALLOCATED, CREATING, READY, each once, and leaves heads, layers, pins and claims as planned', async () => {
  const replica = await installation.replica();
  const agent = await installation.host(replica, 'h1');
  const machine = await installation.machine(replica, agent, 'web-1');
  const created = valueOf(await replica.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id, { quiesce: true })));
  await waitUntil('READY', async () => (await snapshotState(created.snapshotId)) === 'READY');
  await waitUntil('the last inventory', () => agent.inventoryRequests.includes(machine.uuid));

  expect(agent.received.map((command) => command.body.verb)).toEqual(['create-layers', 'freeze-layers']);
  expect(await installation.transitions('VM_SNAPSHOT')).toEqual([
    'VM_SNAPSHOT →ALLOCATED',
    'VM_SNAPSHOT ALLOCATED→CREATING',
    'VM_SNAPSHOT CREATING→READY',
  ]);
  expect(await installation.transitions('OPERATION')).toEqual(['OPERATION →RUNNING', 'OPERATION RUNNING→SUCCEEDED']);
  expect((await installation.transitions('VIRTUAL_MACHINE')).slice(-2)).toEqual([
    'VIRTUAL_MACHINE RUNNING→SNAPSHOTTING',
    'VIRTUAL_MACHINE SNAPSHOTTING→RUNNING',
  ]);
  const heads = await installation.database.sql(
    `SELECT h.file_name LIKE '%.1.qcow2' AND h.state = 'PRESENT' AND NOT h.is_frozen AND b.is_frozen AND d.layer_id = b.id AS ok
     FROM volume v JOIN layer h ON h.id = v.head_layer_id JOIN layer b ON b.id = h.backing_layer_id
     JOIN snapshot_disk d ON d.volume_id = v.id WHERE v.virtual_machine_id = $1`,
    [machine.id],
  );
  expect(heads).toEqual([{ ok: true }, { ok: true }]);
  const [row] = await installation.database.sql(
    `SELECT m.current_snapshot_id = $1 AS current, m.tree_revision, m.drift, s.consistency, (SELECT count(*)::int FROM claim) AS claims,
       (SELECT array_agg(DISTINCT state) FROM operation_step)::text AS steps
     FROM virtual_machine m, vm_snapshot s WHERE s.id = $1`,
    [created.snapshotId],
  );
  expect(row).toEqual({ current: true, tree_revision: 4, drift: null, consistency: 'FILESYSTEM', claims: 0, steps: '{SUCCEEDED}' });
});

it('ends in ERROR when the host fails, after the empty layers are discarded, and the next snapshot works', async () => {
  const replica = await installation.replica();
  const agent = await installation.host(replica, 'h1');
  const machine = await installation.machine(replica, agent, 'web-1');
  const carryOut = agent.behave;
  agent.behave = (command) => (command.body.verb === 'freeze-layers' ? failure('IO_ERROR', 'The disk is on fire.') : carryOut(command));
  const failed = valueOf(await replica.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id)));
  await waitUntil('the end of the operation', async () => {
    const [row] = await installation.database.sql(`SELECT 1 FROM operation WHERE state = 'FAILED'`);
    return row !== undefined;
  });
  expect(agent.received.map((command) => command.body.verb)).toEqual(['create-layers', 'freeze-layers', 'discard-layers']);
  expect(await snapshotState(failed.snapshotId)).toBe('ERROR');
  const [left] = await installation.database.sql(
    `SELECT (SELECT count(*)::int FROM claim) AS claims, (SELECT count(*)::int FROM snapshot_disk) AS pins, o.error->>'code' AS code,
       (SELECT count(*)::int FROM layer WHERE state = 'DISCARDED') AS discarded, m.state FROM operation o, virtual_machine m`,
  );
  expect(left).toEqual({ claims: 0, pins: 0, code: 'IO_ERROR', discarded: 2, state: 'RUNNING' });
  agent.behave = carryOut;
  const next = valueOf(await replica.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id)));
  await waitUntil('READY', async () => (await snapshotState(next.snapshotId)) === 'READY');
});

it('takes a snapshot of a stopped machine as OFFLINE, whatever was said of quiesce', async () => {
  const replica = await installation.replica();
  const agent = await installation.host(replica, 'h1');
  const machine = await installation.machine(replica, agent, 'web-1');
  agent.machine(machine.uuid).power = 'OFF';
  agent.machine(machine.uuid).guestAgent = 'DISCONNECTED';
  await agent.sendInventory();
  await waitUntil('STOPPED', async () => {
    const [row] = await installation.database.sql('SELECT state FROM virtual_machine');
    return row?.['state'] === 'STOPPED';
  });
  const created = valueOf(await replica.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id, { quiesce: true })));
  await waitUntil('READY', async () => (await snapshotState(created.snapshotId)) === 'READY');
  const [row] = await installation.database.sql('SELECT s.consistency, m.state FROM vm_snapshot s, virtual_machine m');
  expect(row).toEqual({ consistency: 'OFFLINE', state: 'STOPPED' });
});

it('takes back the memory, the layers and the record of what was stopped while the memory was saved', async () => {
  const replica = await installation.replica();
  const agent = await installation.host(replica, 'h1');
  const machine = await installation.machine(replica, agent, 'web-1');
  const carryOut = agent.behave;
  agent.behave = (command) => (command.body.verb === 'freeze-layers' ? null : carryOut(command));
  const asked = requestOf(machine.id, { kind: 'DISK_AND_MEMORY' });
  const { snapshotId, operationId } = valueOf(await replica.core.createVmSnapshot.create(installation.operator(), asked));
  const freeze = await waitUntil('the freeze is sent', () => agent.received.find(({ body }) => body.verb === 'freeze-layers'));
  const file = { pool: 'pool', fileName: `snapshot-${snapshotId}.mem` };
  expect(freeze.body).toMatchObject({ memory: file, nvram: { fileName: `snapshot-${snapshotId}.nvram` } });
  valueOf(await replica.core.operations.cancel(installation.operator(), operationId));
  await waitUntil('the host is told', () => agent.cancelRequests.includes(freeze.id));
  agent.finish(freeze, { kind: 'cancelled', left: 'NOTHING' });
  await waitUntil('the end of the operation', async () => {
    const [row] = await installation.database.sql(`SELECT 1 FROM operation WHERE state = 'CANCELLED'`);
    return row !== undefined;
  });
  expect(agent.received.at(-1)?.body).toMatchObject({ verb: 'discard-layers', snapshotFiles: [file, { pool: 'pool' }] });
  const [left] = await installation.database.sql(
    `SELECT s.state, file_pool, memory_bytes, (SELECT count(*)::int FROM claim) AS claims,
       (SELECT count(*)::int FROM layer WHERE state = 'DISCARDED') AS discarded FROM vm_snapshot s`,
  );
  expect(left).toEqual({ state: 'ERROR', file_pool: null, memory_bytes: null, claims: 0, discarded: 2 });
});
