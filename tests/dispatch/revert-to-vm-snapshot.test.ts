import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import { failure } from './fake-agent.js';
import { requestOf, valueOf } from './installation.js';
import { RevertWorld } from './revert-world.js';

let world: RevertWorld;

beforeEach(async () => {
  world = await RevertWorld.start();
});
afterEach(() => world.stop());

it('RV-1: goes back: fresh heads over what the snapshot holds, the old heads gone, both snapshots there', async () => {
  const s1 = await world.take();
  const s2 = await world.take();
  world.agent.received.length = 0;
  const { operationId, safetySnapshotId } = await world.startRevert(s1);
  expect(safetySnapshotId).toBeNull();
  expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
  await waitUntil('the last inventory', () => world.agent.inventoryRequests.at(-1) === world.machine.uuid);

  expect(world.verbs()).toEqual(['create-layers', 'switch-heads', 'discard-layers']);
  expect(await world.forest()).toEqual({
    heads: [
      { target: 'vda', head: 3, below: 0, state: 'PRESENT' },
      { target: 'vdb', head: 3, below: 0, state: 'PRESENT' },
    ],
    layers: ['0 PRESENT frozen', '1 PRESENT frozen', '2 DISCARDED', '3 PRESENT'],
  });
  expect([await world.stateOf(s1), await world.stateOf(s2)]).toEqual(['READY', 'READY']);
  expect(await world.machineRow()).toMatchObject({ state: 'STOPPED', power_state: 'OFF', current_snapshot_id: s1, drift: null, claims: 0 });
  expect((await world.installation.transitions('VM_SNAPSHOT')).slice(-2)).toEqual([
    'VM_SNAPSHOT READY→REVERTING',
    'VM_SNAPSHOT REVERTING→READY',
  ]);
  // The guest's agent goes with the guest, which is told as a move of its own.
  const moves = (await world.installation.transitions('VIRTUAL_MACHINE')).filter((told) => !told.endsWith('STOPPED→STOPPED'));
  expect(moves.slice(-2)).toEqual(['VIRTUAL_MACHINE RUNNING→REVERTING', 'VIRTUAL_MACHINE REVERTING→STOPPED']);
  const [told] = await world.sql(
    `SELECT tree_changes FROM transition WHERE subject_id = $1 AND from_state = 'REVERTING' AND to_state = 'READY'`,
    [s1],
  );
  expect(told?.['tree_changes']).toMatchObject([
    { kind: 'UPDATED', snapshotId: s1, currentId: s1 },
    { kind: 'HEAD_MOVED', snapshotId: s1, currentId: s1 },
  ]);
});

it('RV-2: keeps what it leaves as a child of where that grew from, and starts the machine where that was asked', async () => {
  const s1 = await world.take();
  const s2 = await world.take();
  world.agent.received.length = 0;
  const { operationId, safetySnapshotId } = await world.startRevert(s1, { snapshotFirst: true, start: true });
  expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
  expect(world.verbs()).toEqual(['create-layers', 'switch-heads']);
  const { heads, layers } = await world.forest();
  expect(heads).toMatchObject([
    { head: 3, below: 0 },
    { head: 3, below: 0 },
  ]);
  expect(layers).toEqual(['0 PRESENT frozen', '1 PRESENT frozen', '2 PRESENT frozen', '3 PRESENT']);
  const [safety] = await world.sql(
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
  expect(await world.machineRow()).toMatchObject({ state: 'RUNNING', power_state: 'ON', current_snapshot_id: s1, claims: 0 });
  const back = await world.startRevert(String(safetySnapshotId));
  expect(await world.operationEnd(back.operationId)).toBe('SUCCEEDED');
  expect((await world.forest()).heads).toMatchObject([{ below: 2 }, { below: 2 }]);
});

it('goes on from memory, and says where that is', async () => {
  const estimate = async () => {
    const asked = requestOf(world.machine.id, { kind: 'DISK_AND_MEMORY' });
    return valueOf(await world.replica.core.createVmSnapshot.plan(world.installation.operator(), asked)).estimatedSeconds;
  };
  expect(await estimate()).toBeNull();
  const s1 = await world.take({ kind: 'DISK_AND_MEMORY' });
  expect(await estimate()).toBeGreaterThanOrEqual(1);
  const [row] = await world.sql('SELECT kind, consistency, memory_bytes::int, file_pool, has_nvram FROM vm_snapshot');
  expect(row).toEqual({ kind: 'DISK_AND_MEMORY', consistency: 'MEMORY', memory_bytes: 1 << 27, file_pool: 'pool', has_nvram: false });
  const { operationId } = await world.startRevert(s1);
  expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
  const [command] = world.agent.received.filter(({ body }) => body.verb === 'switch-heads');
  expect(command?.body).toMatchObject({ memory: { file: { pool: 'pool', fileName: `snapshot-${s1}.mem` } }, nvram: null, start: false });
  expect(await world.machineRow()).toMatchObject({ state: 'RUNNING', power_state: 'ON' });
});

it('GA-2, RV-14: a snapshot of some disks takes only those back', async () => {
  const [vdb] = await world.sql(`SELECT id FROM volume WHERE target = 'vdb'`);
  const s1 = await world.take({ volumeIds: [String(vdb?.['id'])] });
  await world.take();
  const { operationId } = await world.startRevert(s1);
  expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
  expect((await world.forest()).heads).toMatchObject([
    { target: 'vda', head: 1, below: 0 },
    { target: 'vdb', head: 3, below: 0 },
  ]);
  const [command] = world.agent.received.filter(({ body }) => body.verb === 'switch-heads');
  expect(command?.body).toMatchObject({ keptTargets: ['vda'], volumes: [{ target: 'vdb' }] });
  expect(await world.machineRow()).toMatchObject({ drift: null });
});

it('RV-4: gives the machine the definition of the snapshot', async () => {
  const s1 = await world.take();
  world.agent.machine(world.machine.uuid).vcpus = 7;
  await world.agent.sendInventory();
  await waitUntil('the new shape', async () => (await world.machineRow())?.['vcpus'] === 7);
  const { operationId } = await world.startRevert(s1);
  expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
  expect(await world.machineRow()).toMatchObject({ vcpus: 2 });
});

it('RV-3: a disk that came later is taken off and kept, and comes back with a snapshot that has it', async () => {
  const s1 = await world.take();
  // As if vdb had been attached since: the snapshot does not know it.
  await world.sql(`DELETE FROM snapshot_disk WHERE volume_id = (SELECT id FROM volume WHERE target = 'vdb')`);
  const s2 = await world.take();
  const [vdb] = await world.sql(`SELECT id FROM volume WHERE target = 'vdb'`);
  const volume = async () =>
    (
      await world.sql('SELECT virtual_machine_id AS machine, target, head_layer_id IS NOT NULL AS has_head FROM volume WHERE id = $1', [
        vdb?.['id'],
      ])
    )[0];
  expect(await world.operationEnd((await world.startRevert(s1)).operationId)).toBe('SUCCEEDED');
  expect(await volume()).toEqual({ machine: null, target: null, has_head: true });
  await waitUntil('the last inventory', () => world.agent.inventoryRequests.at(-1) === world.machine.uuid);
  expect(await world.machineRow()).toMatchObject({ drift: null });
  expect(await world.operationEnd((await world.startRevert(s2)).operationId)).toBe('SUCCEEDED');
  expect(await volume()).toEqual({ machine: world.machine.id, target: 'vdb', has_head: true });
  await world.sql(`UPDATE volume SET virtual_machine_id = NULL, head_layer_id = NULL WHERE id = $1`, [vdb?.['id']]);
  const refused = await world.replica.core.revertToVmSnapshot.plan(world.installation.operator(), world.requestFor(s2));
  expect(refused).toMatchObject({ ok: false, refusals: [{ code: 'NOT_REVERTIBLE' }] });
});

it('the same key and input give the same operation and safety snapshot again; another input is a conflict', async () => {
  const s1 = await world.take();
  const first = await world.startRevert(s1, { snapshotFirst: true, idempotencyKey: 'k' });
  expect(await world.startRevert(s1, { snapshotFirst: true, idempotencyKey: 'k' })).toEqual(first);
  const other = await world.replica.core.revertToVmSnapshot.revert(
    world.installation.operator(),
    world.requestFor(s1, { idempotencyKey: 'k' }),
  );
  expect(other).toMatchObject({ ok: false, refusals: [{ code: 'IDEMPOTENCY_CONFLICT' }] });
  expect(await world.operationEnd(first.operationId)).toBe('SUCCEEDED');
});

describe('when it fails', () => {
  const left = { layers: ['0 PRESENT frozen', '1 PRESENT', '2 DISCARDED'], heads: [{ head: 1 }, { head: 1 }] };

  it('before any layer: nothing is there to discard', async () => {
    const s1 = await world.take();
    world.agent.received.length = 0;
    world.agent.behave = () => failure('IO_ERROR', 'The disk is on fire.');
    const { operationId, safetySnapshotId } = await world.startRevert(s1, { snapshotFirst: true });
    expect(await world.operationEnd(operationId)).toBe('FAILED');
    expect(world.verbs()).toEqual(['create-layers']);
    expect(await world.forest()).toMatchObject(left);
    expect([await world.stateOf(s1), await world.stateOf(safetySnapshotId)]).toEqual(['READY', 'ERROR']);
    const [safety] = await world.sql(
      `SELECT error->>'message' AS why, (SELECT count(*)::int FROM snapshot_disk d WHERE d.snapshot_id = s.id) AS pins FROM vm_snapshot s WHERE id = $1`,
      [safetySnapshotId],
    );
    expect(safety).toEqual({ why: 'The disk is on fire.', pins: 0 });
    expect(await world.machineRow()).toMatchObject({ state: 'RUNNING', current_snapshot_id: s1, claims: 0 });
  });

  it('at the switch: the new layers are discarded, and the machine is what it was', async () => {
    const s1 = await world.take();
    world.agent.received.length = 0;
    const carryOut = world.agent.answerTo('switch-heads', failure('IO_ERROR', 'It would not start.'));
    const { operationId } = await world.startRevert(s1);
    expect(await world.operationEnd(operationId)).toBe('FAILED');
    expect(world.verbs()).toEqual(['create-layers', 'switch-heads', 'discard-layers']);
    expect(await world.forest()).toMatchObject(left);
    expect(await world.stateOf(s1)).toBe('READY');
    expect(await world.machineRow()).toMatchObject({ state: 'RUNNING', claims: 0 });
    world.agent.behave = carryOut;
    expect(await world.operationEnd((await world.startRevert(s1)).operationId)).toBe('SUCCEEDED');
  });

  it('retried: it is planned again, with a safety snapshot of its own, and done', async () => {
    const s1 = await world.take();
    const carryOut = world.agent.answerTo('switch-heads', failure('IO_ERROR', 'It would not start.'));
    const { operationId, safetySnapshotId } = await world.startRevert(s1, { snapshotFirst: true, start: true });
    expect(await world.operationEnd(operationId)).toBe('FAILED');
    world.agent.behave = carryOut;
    valueOf(await world.replica.core.operations.retry(world.installation.operator(), operationId));
    await waitUntil('the success', async () => (await world.operationEnd(operationId)) === 'SUCCEEDED');
    expect(await world.stateOf(safetySnapshotId)).toBe('ERROR');
    const [safety] = await world.sql(`SELECT parent_id, name FROM vm_snapshot WHERE state = 'READY' AND name LIKE 'before%'`);
    expect(safety).toEqual({ parent_id: s1, name: 'before reverting to snapshot-1 (2)' });
    expect((await world.forest()).layers).toEqual(['0 PRESENT frozen', '1 PRESENT frozen', '2 DISCARDED', '3 PRESENT']);
    expect(await world.machineRow()).toMatchObject({ state: 'RUNNING', current_snapshot_id: s1, claims: 0 });
  });

  it('behind the switch, and could not be put back: nothing is discarded', async () => {
    const s1 = await world.take();
    world.agent.received.length = 0;
    const failed = { code: 'IO_ERROR' as const, message: 'What it was could not be put back.', retryable: false, hint: null, detail: null };
    world.agent.answerTo('switch-heads', { kind: 'failed', failure: failed, left: 'REPOINTED' });
    const { operationId } = await world.startRevert(s1);
    expect(await world.operationEnd(operationId)).toBe('FAILED');
    expect(world.verbs()).toEqual(['create-layers', 'switch-heads']);
    expect((await world.forest()).layers).toEqual(['0 PRESENT frozen', '1 PRESENT', '2 PLANNED']);
    expect(await world.stateOf(s1)).toBe('READY');
  });

  it('at the discard: the revert is done, and what is left is known as garbage', async () => {
    const s1 = await world.take();
    world.agent.answerTo('discard-layers', failure('IO_ERROR', 'Busy.'));
    const { operationId } = await world.startRevert(s1);
    expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
    expect((await world.forest()).layers).toEqual(['0 PRESENT frozen', '1 DISCARDING', '2 PRESENT']);
    expect(await world.machineRow()).toMatchObject({ state: 'STOPPED', current_snapshot_id: s1, claims: 0 });
  });
});

describe('when the API dies', () => {
  it.each(['create-layers', 'switch-heads', 'discard-layers'] as const)(
    'VM-20: while %s is at work, another replica ends it',
    async (verb) => {
      const s1 = await world.take();
      world.agent.received.length = 0;
      const carryOut = world.agent.answerTo(verb, null);
      const { operationId, safetySnapshotId } = await world.startRevert(s1, { snapshotFirst: verb !== 'discard-layers' });
      const sent = await waitUntil(`${verb} is sent`, () => world.agent.received.find((command) => command.body.verb === verb));
      const answer = { kind: 'done' as const, result: world.agent.carryOut(sent) };
      world.agent.behave = (command) => (command.id === sent.id ? answer : carryOut(command));
      await world.replica.stop();
      world.replica = await world.installation.replica();
      await world.agent.connect(world.replica.url);
      expect(await world.operationEnd(operationId)).toBe('SUCCEEDED');
      expect(world.agent.received.filter((command) => command.id === sent.id)).toHaveLength(2);
      expect(await world.stateOf(s1)).toBe('READY');
      if (safetySnapshotId !== null) expect(await world.stateOf(safetySnapshotId)).toBe('READY');
      await waitUntil('the last inventory', () => world.agent.inventoryRequests.at(-1) === world.machine.uuid);
      expect(await world.machineRow()).toMatchObject({ current_snapshot_id: s1, drift: null, claims: 0 });
    },
  );
});
