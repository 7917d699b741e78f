/** Volume snapshots by the record: what becomes of them and of the layers when a host says no, is told to stop, or is not there. */
import { createWrite } from '@coppice/api/events/write.js';
import { settleMachines } from '@coppice/api/machines/settle/settle-machines.js';
import { OperationEngine } from '@coppice/api/operations/operation-engine.js';
import { createLog } from '@coppice/api/platform/log.js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import { DeleteWorld } from './delete-world.js';
import { failure } from './fake-agent.js';
import { valueOf } from './installation.js';

let world: DeleteWorld;

beforeEach(async () => {
  world = await DeleteWorld.start();
});
afterEach(() => world.stop());

async function take(changed: { vmSnapshotId?: string; idempotencyKey?: string; name?: string } = {}) {
  const [row] = await world.sql(`SELECT id FROM volume WHERE target = 'vda'`);
  const asked = { vmSnapshotId: null, name: null, kind: null, location: null, quiesce: false, idempotencyKey: null, ...changed };
  return world.replica.core.volumeSnapshots.create(world.installation.operator(), { volumeId: String(row?.['id']), ...asked });
}

/** Its state, and all states that it had, by the transitions. */
async function historyOf(snapshotId: string): Promise<string> {
  const rows = await world.sql('SELECT to_state FROM transition WHERE subject_id = $1 ORDER BY id', [snapshotId]);
  return rows.map((row) => String(row['to_state'])).join(' ');
}

async function remove(snapshotId: string) {
  return world.replica.core.volumeSnapshots.delete(world.owner(), { snapshotId, idempotencyKey: null });
}

it('a running disk is frozen alone and copied; the same key gives the same answer; it goes with its file', async () => {
  const first = valueOf(await take({ idempotencyKey: 'k', name: 'nightly' }));
  expect(valueOf(await take({ idempotencyKey: 'k', name: 'nightly' }))).toEqual(first);
  expect(await take({ idempotencyKey: 'k', name: 'another' })).toMatchObject({ refusals: [{ code: 'IDEMPOTENCY_CONFLICT' }] });
  const { snapshotId, operationId } = first;
  expect(await world.operationEnd(operationId ?? '')).toBe('SUCCEEDED');
  expect(world.verbs()).toEqual(['create-layers', 'freeze-layers', 'copy-layer']);
  expect(world.agent.received[2]?.body).toMatchObject({ target: null, to: { pool: 'pool', fileName: `snapshot-${snapshotId}.qcow2` } });
  expect(await world.layers()).toEqual(['0>- PRESENT', '1>0 PRESENT head']);
  expect(await historyOf(snapshotId)).toBe('ALLOCATED CREATING CREATED_ON_PRIMARY');
  expect(await world.steps(operationId ?? '')).toEqual([
    'CREATE_LAYER SUCCEEDED',
    'FREEZE_LAYER SUCCEEDED',
    'VERIFY_CHAIN SUCCEEDED',
    'COPY_DATA SUCCEEDED',
  ]);
  await world.expectNoDrift();
  const removal = valueOf(await remove(snapshotId));
  expect(await world.operationEnd(removal.operationId ?? '')).toBe('SUCCEEDED');
  expect(world.agent.received.at(-1)?.body).toMatchObject({ layers: [{ fileName: `snapshot-${snapshotId}.qcow2` }] });
  expect(await historyOf(snapshotId)).toBe('ALLOCATED CREATING CREATED_ON_PRIMARY DESTROYING DESTROYED');
  expect(await remove(snapshotId)).toMatchObject({ refusals: [{ code: 'SNAPSHOT_STATE' }] });
});

it('a copy that fails leaves ERROR, the machine on its new head, and nothing that cannot be deleted', async () => {
  world.agent.answerTo('copy-layer', failure('INSUFFICIENT_SPACE', 'The pool is full.'));
  const { snapshotId, operationId } = valueOf(await take());
  expect(await world.operationEnd(operationId ?? '')).toBe('FAILED');
  expect(await historyOf(snapshotId)).toBe('ALLOCATED CREATING ERROR');
  expect(await world.layers()).toEqual(['0>- PRESENT', '1>0 PRESENT head']);
  await world.expectNoDrift();
  expect(await world.operationEnd(valueOf(await remove(snapshotId)).operationId ?? '')).toBe('SUCCEEDED');
});

it('a freeze that fails leaves the machine on its head, and the empty layer goes', async () => {
  world.agent.answerTo('freeze-layers', failure('MACHINE_BUSY', 'A job runs.'));
  const { snapshotId, operationId } = valueOf(await take());
  expect(await world.operationEnd(operationId ?? '')).toBe('FAILED');
  expect(world.verbs()).toEqual(['create-layers', 'freeze-layers', 'discard-layers']);
  expect(await historyOf(snapshotId)).toBe('ALLOCATED CREATING ERROR');
  expect(await world.layers()).toEqual(['0>- PRESENT head', '1>0 DISCARDED']);
  expect(await world.operation(operationId ?? '')).toMatchObject({ error: { code: 'MACHINE_BUSY' } });
});

it('cancelled while it copies: the host is told, and its answer ends it', async () => {
  const vmSnapshotId = await world.take();
  const sent = await world.hold('copy-layer');
  const { snapshotId, operationId } = valueOf(await take({ vmSnapshotId }));
  const command = await sent();
  expect(command.body).toMatchObject({ verb: 'copy-layer', target: null });
  expect(await remove(snapshotId)).toMatchObject({ refusals: [{ code: 'MACHINE_BUSY', operationId }] });
  const { operations } = world.replica.core;
  expect(await operations.cancel(world.installation.operator(), operationId ?? '')).toMatchObject({ ok: true });
  await waitUntil('the host is told', () => world.agent.cancelRequests.includes(command.id));
  world.agent.finish(command, { kind: 'cancelled', left: 'NOTHING' });
  expect(await world.operationEnd(operationId ?? '')).toBe('CANCELLED');
  expect(await historyOf(snapshotId)).toBe('ALLOCATED CREATING ERROR');
  expect(await world.stateOf(vmSnapshotId)).toBe('READY');
});

it('a file that its host does not remove leaves ERROR, and deleting it again goes on; the quota counts it until then', async () => {
  const { snapshotId, operationId } = valueOf(await take());
  expect(await world.operationEnd(operationId ?? '')).toBe('SUCCEEDED');
  await world.sql('UPDATE project SET quota_volume_snapshots = 1');
  const carryOut = world.agent.behave;
  world.agent.behave = () => failure('IO_ERROR', 'The mount is away.');
  expect(await world.operationEnd(valueOf(await remove(snapshotId)).operationId ?? '')).toBe('FAILED');
  expect(await take()).toMatchObject({ refusals: [{ code: 'QUOTA_EXCEEDED', limit: 1n, used: 1n }] });
  world.agent.behave = carryOut;
  expect(await world.operationEnd(valueOf(await remove(snapshotId)).operationId ?? '')).toBe('SUCCEEDED');
  expect(await historyOf(snapshotId)).toBe('ALLOCATED CREATING CREATED_ON_PRIMARY DESTROYING ERROR DESTROYING DESTROYED');
  expect(await take()).toMatchObject({ ok: true });
});

it.each(['CREATING', 'DESTROYING'])(
  '%s that no operation owns, as after a repair by hand, is settled as ERROR and can be deleted',
  async (state) => {
    const { snapshotId, operationId } = valueOf(await take());
    expect(await world.operationEnd(operationId ?? '')).toBe('SUCCEEDED');
    await world.sql('UPDATE volume_snapshot SET state = $2::volume_snapshot_state WHERE id = $1', [snapshotId, state]);
    const { database } = world.replica.core;
    const write = createWrite(database, { nudge: () => undefined, idle: async () => undefined });
    // One look, as each replica takes it now and then; its own may come first.
    await settleMachines({ database, write, engine: new OperationEngine([]), clock: world.installation.clock, log: createLog('silent') });
    expect(await historyOf(snapshotId)).toMatch(/ ERROR$/);
    expect(await world.operationEnd(valueOf(await remove(snapshotId)).operationId ?? '')).toBe('SUCCEEDED');
  },
);
