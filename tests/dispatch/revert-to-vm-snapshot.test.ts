import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import { failure, type FakeAgent } from './fake-agent.js';
import { Installation, type Replica, requestOf, valueOf } from './installation.js';

let installation: Installation;
let replica: Replica;
let agent: FakeAgent;
let machine: { id: string; uuid: string };

beforeEach(async () => {
  installation = await Installation.start();
  replica = await installation.replica();
  agent = await installation.host(replica, 'h1');
  machine = await installation.machine(replica, agent, 'web-1');
});
afterEach(() => installation.stop());

function revertRequest(snapshotId: string, changed: { snapshotFirst?: boolean; start?: boolean; idempotencyKey?: string } = {}) {
  return { snapshotId, snapshotFirst: false, start: false, planHash: null, idempotencyKey: null, ...changed };
}

async function snapshotState(id: string | null): Promise<string> {
  const [row] = await installation.database.sql('SELECT state FROM vm_snapshot WHERE id = $1', [id]);
  return String(row?.['state']);
}

async function operationEnd(id: string): Promise<string> {
  return waitUntil('the end of the operation', async () => {
    const [row] = await installation.database.sql(`SELECT state FROM operation WHERE id = $1 AND finished_at IS NOT NULL`, [id]);
    return row && String(row['state']);
  });
}

async function take(changed: Parameters<typeof requestOf>[1] = {}): Promise<string> {
  const created = valueOf(await replica.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id, changed)));
  expect(await operationEnd(created.operationId)).toBe('SUCCEEDED');
  return created.snapshotId;
}

async function startRevert(snapshotId: string, changed: Parameters<typeof revertRequest>[1] = {}) {
  return valueOf(await replica.core.revertToVmSnapshot.revert(installation.operator(), revertRequest(snapshotId, changed)));
}

function verbs(): string[] {
  return agent.received.map((command) => command.body.verb);
}

/** Per disk: the head's number, the number of the layer below it; then what became of every layer. */
async function forest() {
  const sql = (...asked: Parameters<typeof installation.database.sql>) => installation.database.sql(...asked);
  const number = `substring(%.file_name from '\\.(\\d+)\\.qcow2$')::int`;
  const heads = await sql(
    `SELECT v.target, ${number.replace('%', 'h')} AS head, ${number.replace('%', 'b')} AS below, h.state
     FROM volume v JOIN layer h ON h.id = v.head_layer_id LEFT JOIN layer b ON b.id = h.backing_layer_id
     WHERE v.virtual_machine_id = $1 ORDER BY v.target`,
    [machine.id],
  );
  const layers = await sql(
    `SELECT ${number.replace('%', 'l')} AS n, state, is_frozen FROM layer l JOIN volume v ON v.id = l.volume_id WHERE v.target = 'vda' ORDER BY 1`,
  );
  return { heads, layers: layers.map((row) => [row['n'], row['state'], ...(row['is_frozen'] === true ? ['frozen'] : [])].join(' ')) };
}

async function machineRow() {
  const [row] = await installation.database.sql(
    `SELECT state, power_state, current_snapshot_id, vcpus, drift, (SELECT count(*)::int FROM claim) AS claims FROM virtual_machine WHERE id = $1`,
    [machine.id],
  );
  return row;
}

it('RV-1: goes back: fresh heads over what the snapshot holds, the old heads gone, both snapshots there', async () => {
  const s1 = await take();
  const s2 = await take();
  agent.received.length = 0;
  const { operationId, safetySnapshotId } = await startRevert(s1);
  expect(safetySnapshotId).toBeNull();
  expect(await operationEnd(operationId)).toBe('SUCCEEDED');
  await waitUntil('the last inventory', () => agent.inventoryRequests.at(-1) === machine.uuid);

  expect(verbs()).toEqual(['create-layers', 'switch-heads', 'discard-layers']);
  expect(await forest()).toEqual({
    heads: [
      { target: 'vda', head: 3, below: 0, state: 'PRESENT' },
      { target: 'vdb', head: 3, below: 0, state: 'PRESENT' },
    ],
    layers: ['0 PRESENT frozen', '1 PRESENT frozen', '2 DISCARDED', '3 PRESENT'],
  });
  expect([await snapshotState(s1), await snapshotState(s2)]).toEqual(['READY', 'READY']);
  expect(await machineRow()).toMatchObject({ state: 'STOPPED', power_state: 'OFF', current_snapshot_id: s1, drift: null, claims: 0 });
  expect((await installation.transitions('VM_SNAPSHOT')).slice(-2)).toEqual(['VM_SNAPSHOT READY→REVERTING', 'VM_SNAPSHOT REVERTING→READY']);
  // The guest's agent goes with the guest, which is told as a move of its own.
  const moves = (await installation.transitions('VIRTUAL_MACHINE')).filter((told) => !told.endsWith('STOPPED→STOPPED'));
  expect(moves.slice(-2)).toEqual(['VIRTUAL_MACHINE RUNNING→REVERTING', 'VIRTUAL_MACHINE REVERTING→STOPPED']);
  const [told] = await installation.database.sql(
    `SELECT tree_changes FROM transition WHERE subject_id = $1 AND from_state = 'REVERTING' AND to_state = 'READY'`,
    [s1],
  );
  expect(told?.['tree_changes']).toMatchObject([
    { kind: 'UPDATED', snapshotId: s1, currentId: s1 },
    { kind: 'HEAD_MOVED', snapshotId: s1, currentId: s1 },
  ]);
});

it('RV-2: keeps what it leaves as a child of where that grew from, and starts the machine where that was asked', async () => {
  const s1 = await take();
  const s2 = await take();
  agent.received.length = 0;
  const { operationId, safetySnapshotId } = await startRevert(s1, { snapshotFirst: true, start: true });
  expect(await operationEnd(operationId)).toBe('SUCCEEDED');
  expect(verbs()).toEqual(['create-layers', 'switch-heads']);
  const { heads, layers } = await forest();
  expect(heads).toMatchObject([
    { head: 3, below: 0 },
    { head: 3, below: 0 },
  ]);
  expect(layers).toEqual(['0 PRESENT frozen', '1 PRESENT frozen', '2 PRESENT frozen', '3 PRESENT']);
  const [safety] = await installation.database.sql(
    `SELECT state, parent_id, name, kind, consistency, definition->>'isSubset' AS is_subset,
       (SELECT count(*)::int FROM snapshot_disk d WHERE d.snapshot_id = s.id) AS pins FROM vm_snapshot s WHERE id = $1`,
    [safetySnapshotId],
  );
  expect(safety).toEqual({
    state: 'READY',
    parent_id: s2,
    name: 'before reverting to snapshot-1',
    kind: 'DISK',
    consistency: 'CRASH',
    is_subset: 'false',
    pins: 2,
  });
  expect(await machineRow()).toMatchObject({ state: 'RUNNING', power_state: 'ON', current_snapshot_id: s1, claims: 0 });
  const back = await startRevert(String(safetySnapshotId));
  expect(await operationEnd(back.operationId)).toBe('SUCCEEDED');
  expect((await forest()).heads).toMatchObject([{ below: 2 }, { below: 2 }]);
});

it('goes on from memory, and says where that is', async () => {
  const s1 = await take({ kind: 'DISK_AND_MEMORY' });
  const [row] = await installation.database.sql('SELECT kind, consistency, memory_bytes::int, file_pool, has_nvram FROM vm_snapshot');
  expect(row).toEqual({ kind: 'DISK_AND_MEMORY', consistency: 'MEMORY', memory_bytes: 1 << 27, file_pool: 'pool', has_nvram: false });
  const { operationId } = await startRevert(s1);
  expect(await operationEnd(operationId)).toBe('SUCCEEDED');
  const [command] = agent.received.filter(({ body }) => body.verb === 'switch-heads');
  expect(command?.body).toMatchObject({ memory: { file: { pool: 'pool', fileName: `snapshot-${s1}.mem` } }, nvram: null, start: false });
  expect(await machineRow()).toMatchObject({ state: 'RUNNING', power_state: 'ON' });
});

it('GA-2, RV-14: a snapshot of some disks takes only those back', async () => {
  const [vdb] = await installation.database.sql(`SELECT id FROM volume WHERE target = 'vdb'`);
  const s1 = await take({ volumeIds: [String(vdb?.['id'])] });
  await take();
  const { operationId } = await startRevert(s1);
  expect(await operationEnd(operationId)).toBe('SUCCEEDED');
  expect((await forest()).heads).toMatchObject([
    { target: 'vda', head: 1, below: 0 },
    { target: 'vdb', head: 3, below: 0 },
  ]);
  const [command] = agent.received.filter(({ body }) => body.verb === 'switch-heads');
  expect(command?.body).toMatchObject({ keptTargets: ['vda'], volumes: [{ target: 'vdb' }] });
  expect(await machineRow()).toMatchObject({ drift: null });
});

it('RV-4: gives the machine the definition of the snapshot', async () => {
  const s1 = await take();
  agent.machine(machine.uuid).vcpus = 7;
  await agent.sendInventory();
  await waitUntil('the new shape', async () => (await machineRow())?.['vcpus'] === 7);
  const { operationId } = await startRevert(s1);
  expect(await operationEnd(operationId)).toBe('SUCCEEDED');
  expect(await machineRow()).toMatchObject({ vcpus: 2 });
});

it('RV-3: a disk that came later is taken off and kept, and comes back with a snapshot that has it', async () => {
  const s1 = await take();
  const sql = (...asked: Parameters<typeof installation.database.sql>) => installation.database.sql(...asked);
  // As if vdb had been attached since: the snapshot does not know it.
  await sql(`DELETE FROM snapshot_disk WHERE volume_id = (SELECT id FROM volume WHERE target = 'vdb')`);
  const s2 = await take();
  const [vdb] = await sql(`SELECT id FROM volume WHERE target = 'vdb'`);
  const volume = async () =>
    (
      await sql('SELECT virtual_machine_id AS machine, target, head_layer_id IS NOT NULL AS has_head FROM volume WHERE id = $1', [
        vdb?.['id'],
      ])
    )[0];
  expect(await operationEnd((await startRevert(s1)).operationId)).toBe('SUCCEEDED');
  expect(await volume()).toEqual({ machine: null, target: null, has_head: true });
  await waitUntil('the last inventory', () => agent.inventoryRequests.at(-1) === machine.uuid);
  expect(await machineRow()).toMatchObject({ drift: null });
  expect(await operationEnd((await startRevert(s2)).operationId)).toBe('SUCCEEDED');
  expect(await volume()).toEqual({ machine: machine.id, target: 'vdb', has_head: true });
  await sql(`UPDATE volume SET virtual_machine_id = NULL, head_layer_id = NULL WHERE id = $1`, [vdb?.['id']]);
  const refused = await replica.core.revertToVmSnapshot.plan(installation.operator(), revertRequest(s2));
  expect(refused).toMatchObject({ ok: false, refusals: [{ code: 'NOT_REVERTIBLE' }] });
});

it('the same key and input give the same operation and safety snapshot again; another input is a conflict', async () => {
  const s1 = await take();
  const first = await startRevert(s1, { snapshotFirst: true, idempotencyKey: 'k' });
  expect(await startRevert(s1, { snapshotFirst: true, idempotencyKey: 'k' })).toEqual(first);
  const other = await replica.core.revertToVmSnapshot.revert(installation.operator(), revertRequest(s1, { idempotencyKey: 'k' }));
  expect(other).toMatchObject({ ok: false, refusals: [{ code: 'IDEMPOTENCY_CONFLICT' }] });
  expect(await operationEnd(first.operationId)).toBe('SUCCEEDED');
});

describe('when it fails', () => {
  const left = { layers: ['0 PRESENT frozen', '1 PRESENT', '2 DISCARDED'], heads: [{ head: 1 }, { head: 1 }] };

  it('before any layer: nothing is there to discard', async () => {
    const s1 = await take();
    agent.received.length = 0;
    agent.behave = () => failure('IO_ERROR', 'The disk is on fire.');
    const { operationId, safetySnapshotId } = await startRevert(s1, { snapshotFirst: true });
    expect(await operationEnd(operationId)).toBe('FAILED');
    expect(verbs()).toEqual(['create-layers']);
    expect(await forest()).toMatchObject(left);
    expect([await snapshotState(s1), await snapshotState(safetySnapshotId)]).toEqual(['READY', 'ERROR']);
    const [safety] = await installation.database.sql(
      `SELECT error->>'message' AS why, (SELECT count(*)::int FROM snapshot_disk d WHERE d.snapshot_id = s.id) AS pins FROM vm_snapshot s WHERE id = $1`,
      [safetySnapshotId],
    );
    expect(safety).toEqual({ why: 'The disk is on fire.', pins: 0 });
    expect(await machineRow()).toMatchObject({ state: 'RUNNING', current_snapshot_id: s1, claims: 0 });
  });

  it('at the switch: the new layers are discarded, and the machine is what it was', async () => {
    const s1 = await take();
    agent.received.length = 0;
    const carryOut = agent.behave;
    agent.behave = (command) => (command.body.verb === 'switch-heads' ? failure('IO_ERROR', 'It would not start.') : carryOut(command));
    const { operationId } = await startRevert(s1);
    expect(await operationEnd(operationId)).toBe('FAILED');
    expect(verbs()).toEqual(['create-layers', 'switch-heads', 'discard-layers']);
    expect(await forest()).toMatchObject(left);
    expect(await snapshotState(s1)).toBe('READY');
    expect(await machineRow()).toMatchObject({ state: 'RUNNING', claims: 0 });
    agent.behave = carryOut;
    expect(await operationEnd((await startRevert(s1)).operationId)).toBe('SUCCEEDED');
  });

  it('behind the switch, and could not be put back: nothing is discarded', async () => {
    const s1 = await take();
    agent.received.length = 0;
    const carryOut = agent.behave;
    const failed = { code: 'IO_ERROR' as const, message: 'What it was could not be put back.', retryable: false, hint: null, detail: null };
    agent.behave = (command) =>
      command.body.verb === 'switch-heads' ? { kind: 'failed', failure: failed, left: 'REPOINTED' } : carryOut(command);
    const { operationId } = await startRevert(s1);
    expect(await operationEnd(operationId)).toBe('FAILED');
    expect(verbs()).toEqual(['create-layers', 'switch-heads']);
    expect((await forest()).layers).toEqual(['0 PRESENT frozen', '1 PRESENT', '2 PLANNED']);
    expect(await snapshotState(s1)).toBe('READY');
  });

  it('at the discard: the revert is done, and what is left is known as garbage', async () => {
    const s1 = await take();
    const carryOut = agent.behave;
    agent.behave = (command) => (command.body.verb === 'discard-layers' ? failure('IO_ERROR', 'Busy.') : carryOut(command));
    const { operationId } = await startRevert(s1);
    expect(await operationEnd(operationId)).toBe('SUCCEEDED');
    expect((await forest()).layers).toEqual(['0 PRESENT frozen', '1 DISCARDING', '2 PRESENT']);
    expect(await machineRow()).toMatchObject({ state: 'STOPPED', current_snapshot_id: s1, claims: 0 });
  });
});

describe('when the API dies', () => {
  it.each(['create-layers', 'switch-heads', 'discard-layers'])('VM-20: while %s is at work, another replica ends it', async (verb) => {
    const s1 = await take();
    agent.received.length = 0;
    const carryOut = agent.behave;
    agent.behave = (command) => (command.body.verb === verb ? null : carryOut(command));
    const { operationId, safetySnapshotId } = await startRevert(s1, { snapshotFirst: verb !== 'discard-layers' });
    const sent = await waitUntil(`${verb} is sent`, () => agent.received.find((command) => command.body.verb === verb));
    const answer = { kind: 'done' as const, result: agent.carryOut(sent) };
    agent.behave = (command) => (command.id === sent.id ? answer : carryOut(command));
    await replica.stop();
    replica = await installation.replica();
    await agent.connect(replica.url);
    expect(await operationEnd(operationId)).toBe('SUCCEEDED');
    expect(agent.received.filter((command) => command.id === sent.id)).toHaveLength(2);
    expect(await snapshotState(s1)).toBe('READY');
    if (safetySnapshotId !== null) expect(await snapshotState(safetySnapshotId)).toBe('READY');
    await waitUntil('the last inventory', () => agent.inventoryRequests.at(-1) === machine.uuid);
    expect(await machineRow()).toMatchObject({ current_snapshot_id: s1, drift: null, claims: 0 });
  });
});
