import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Principal } from '@coppice/api/access/principal.js';
import { waitUntil } from '../testkit/wait-until.js';
import { type FakeAgent, failure } from './fake-agent.js';
import { Installation, type Replica, valueOf } from './installation.js';
import { about, codeOf, ended, ownerOf, snapshotOf, MachineWorld } from './machine-world.js';

let installation: Installation;
let replica: Replica;
let agent: FakeAgent;
let machine: { id: string; uuid: string };

beforeEach(async () => {
  ({ installation, replica, agent, machine } = await MachineWorld.parts());
});
afterEach(() => installation.stop());

const owner = () => ownerOf(installation);
const request = (idempotencyKey: string | null = null) => about(machine, idempotencyKey);
const endOf = (operationId: string) => ended(installation, operationId);
const snapshot = () => snapshotOf(installation, replica, machine);

async function volumes(): Promise<readonly Record<string, unknown>[]> {
  return installation.database.sql(
    'SELECT id, target, virtual_machine_id AS machine, head_layer_id AS head FROM volume ORDER BY target, id',
  );
}

it('stops and starts a machine; it shows what the host said at the end of each', async () => {
  const { machines } = replica.core;
  const stopped = valueOf(await machines.stop(installation.operator(), { ...request('k'), force: false }));
  expect(await endOf(stopped.operationId)).toEqual({ state: 'SUCCEEDED', code: null, machine: 'STOPPED', power: 'OFF', claims: 0 });
  expect(valueOf(await machines.stop(installation.operator(), { ...request('k'), force: false }))).toEqual(stopped);
  expect(codeOf(await machines.stop(installation.operator(), { ...request(), force: true }))).toBe('MACHINE_STATE');
  const started = valueOf(await machines.start(installation.operator(), request()));
  expect(await endOf(started.operationId)).toMatchObject({ state: 'SUCCEEDED', machine: 'RUNNING', power: 'ON' });
  expect(agent.received.map(({ body }) => body)).toMatchObject([
    { verb: 'change-power', to: 'OFF', force: false, disks: [{ target: 'vda' }, { target: 'vdb' }] },
    { verb: 'change-power', to: 'ON' },
  ]);
});

it('leaves a machine as it was when its host says no', async () => {
  agent.behave = () => failure('MACHINE_STATE', 'The guest does not react.');
  const { operationId } = valueOf(await replica.core.machines.stop(installation.operator(), { ...request(), force: false }));
  expect(await endOf(operationId)).toEqual({ state: 'FAILED', code: 'MACHINE_STATE', machine: 'RUNNING', power: 'ON', claims: 0 });
});

it('lets roles decide: OPERATOR starts, OWNER resizes, destroys and changes disks, ADMIN migrates, others see nothing', async () => {
  const { machines } = replica.core;
  const operator = installation.operator();
  const stranger = { ...operator, roles: new Map() };
  const viewer: Principal = { ...operator, roles: new Map([[installation.projectId, 'VIEWER']]) };
  const migrate = { ...request(), hostId: agent.hostId ?? '', storagePoolId: null };
  const [volume] = await volumes();
  const disk = { volumeId: String(volume?.['id']), idempotencyKey: null };
  expect(codeOf(await machines.start(viewer, request()))).toBe('FORBIDDEN');
  expect(codeOf(await machines.resize(operator, { ...request(), vcpus: 1, memoryBytes: null }))).toBe('FORBIDDEN');
  expect(codeOf(await machines.destroy(operator, request()))).toBe('FORBIDDEN');
  expect(codeOf(await machines.detachVolume(operator, disk))).toBe('FORBIDDEN');
  expect(codeOf(await machines.migrate(owner(), migrate))).toBe('FORBIDDEN');
  expect(codeOf(await machines.migrate(installation.admin(), migrate))).toBe('INVALID_INPUT');
  for (const refused of [
    await machines.stop(stranger, { ...request(), force: true }),
    await machines.resize(stranger, { ...request(), vcpus: 1, memoryBytes: null }),
    await machines.destroy(stranger, request()),
    await machines.attachVolume(stranger, { ...request(), volumeId: disk.volumeId }),
    await machines.detachVolume(stranger, disk),
    await machines.reconcile(stranger, { ...request(), action: 'ADOPT' }),
  ]) {
    expect(codeOf(refused)).toBe('NOT_FOUND');
  }
  expect(agent.received).toEqual([]);
});

it('detaches and attaches a volume, finds a repeated request under its key, and refuses both beside VM snapshots', async () => {
  const { machines } = replica.core;
  const [, vdb] = await volumes();
  const volumeId = String(vdb?.['id']);
  const detached = valueOf(await machines.detachVolume(owner(), { volumeId, idempotencyKey: 'd' }));
  expect(await endOf(detached.operationId)).toMatchObject({ state: 'SUCCEEDED' });
  expect((await volumes()).find((one) => one['id'] === volumeId)).toMatchObject({ target: null, machine: null });
  expect(valueOf(await machines.detachVolume(owner(), { volumeId, idempotencyKey: 'd' }))).toEqual(detached);
  expect(codeOf(await machines.detachVolume(owner(), { volumeId, idempotencyKey: null }))).toBe('MACHINE_STATE');
  const attached = valueOf(await machines.attachVolume(owner(), { ...request(), volumeId }));
  expect(await endOf(attached.operationId)).toMatchObject({ state: 'SUCCEEDED' });
  expect((await volumes()).find((one) => one['id'] === volumeId)).toMatchObject({ target: 'vdb', machine: machine.id });
  expect(codeOf(await machines.attachVolume(owner(), { ...request(), volumeId }))).toBe('MACHINE_STATE');
  await snapshot();
  expect(codeOf(await machines.detachVolume(owner(), { volumeId, idempotencyKey: null }))).toBe('HAS_VM_SNAPSHOTS');
});

it('resizes: memory snapshots become snapshots of disks, with a transition that says why, and their images go', async () => {
  const snapshotId = await snapshot();
  await installation.database.sql(
    `UPDATE vm_snapshot SET kind = 'DISK_AND_MEMORY', consistency = 'MEMORY', memory_bytes = 5, file_pool = 'pool' WHERE id = $1`,
    [snapshotId],
  );
  const { operationId } = valueOf(await replica.core.machines.resize(owner(), { ...request(), vcpus: 4, memoryBytes: null }));
  expect(await endOf(operationId)).toMatchObject({ state: 'SUCCEEDED', machine: 'RUNNING' });
  expect(agent.received.slice(-2).map(({ body }) => body)).toMatchObject([
    { verb: 'resize-machine', vcpus: 4, memoryBytes: null },
    { verb: 'discard-layers', layers: [], snapshotFiles: [{ pool: 'pool', fileName: `snapshot-${snapshotId}.mem` }] },
  ]);
  const [row] = await installation.database.sql(
    'SELECT kind::text, consistency::text, memory_bytes AS memory, file_pool AS pool FROM vm_snapshot',
  );
  expect(row).toEqual({ kind: 'DISK', consistency: 'CRASH', memory: null, pool: null });
  const [told] = await installation.database.sql(`SELECT reason FROM transition WHERE event = 'discard-memory' AND subject_id = $1`, [
    snapshotId,
  ]);
  expect(String(told?.['reason'])).toContain('resized');
  expect(codeOf(await replica.core.machines.resize(owner(), { ...request(), vcpus: null, memoryBytes: 1000 }))).toBe('INVALID_INPUT');
});

it('destroys a machine with its tree: snapshots REMOVED, every file discarded, volumes gone from every list', async () => {
  await snapshot();
  await snapshot();
  const { operationId } = valueOf(await replica.core.machines.destroy(owner(), request()));
  expect(await endOf(operationId)).toMatchObject({ state: 'SUCCEEDED', machine: 'DESTROYED', claims: 0 });
  expect(agent.machines.size).toBe(0);
  const discard = agent.received.at(-1)?.body;
  if (discard?.verb !== 'discard-layers') throw new Error('no discard');
  expect(discard.layers.map(({ fileName }) => /\.(\d)\.qcow2$/.exec(fileName)?.[1])).toEqual(['2', '2', '1', '1', '0', '0']);
  const [left] = await installation.database.sql(
    `SELECT (SELECT string_agg(DISTINCT state::text, ',') FROM layer) AS layers, (SELECT string_agg(DISTINCT state::text, ',') FROM vm_snapshot) AS snapshots,
       (SELECT count(*)::int FROM snapshot_disk) AS pins, (SELECT count(*)::int FROM volume WHERE head_layer_id IS NOT NULL) AS heads`,
  );
  expect(left).toEqual({ layers: 'DISCARDED', snapshots: 'REMOVED', pins: 0, heads: 0 });
  expect(codeOf(await replica.core.machines.start(owner(), request()))).toBe('NOT_FOUND');
});

it('discards what a destroy could not, when it is retried; the machine is gone all the same', async () => {
  await snapshot();
  const carryOut = agent.behave;
  agent.behave = (command) => (command.body.verb === 'discard-layers' ? failure('IO_ERROR', 'The pool is read-only.') : carryOut(command));
  const { operationId } = valueOf(await replica.core.machines.destroy(owner(), request()));
  expect(await endOf(operationId)).toMatchObject({ state: 'FAILED', machine: 'DESTROYED', claims: 0 });
  const [waiting] = await installation.database.sql(`SELECT string_agg(DISTINCT state::text, ',') AS layers FROM layer`);
  expect(waiting).toEqual({ layers: 'DISCARDING' });
  agent.behave = carryOut;
  valueOf(await replica.core.operations.retry(owner(), operationId));
  await waitUntil('the files are gone', async () => {
    const [row] = await installation.database.sql(`SELECT string_agg(DISTINCT state::text, ',') AS layers FROM layer`);
    return row?.['layers'] === 'DISCARDED';
  });
  expect(await endOf(operationId)).toMatchObject({ state: 'SUCCEEDED', machine: 'DESTROYED' });
});

it('hands the layers that a clone reads over to the clone, when the machine that made them is destroyed', async () => {
  await snapshot();
  const cloned = await cloneOfVda();
  const { operationId } = valueOf(await replica.core.machines.destroy(owner(), request()));
  expect(await endOf(operationId)).toMatchObject({ state: 'SUCCEEDED' });
  const kept = await installation.database.sql(`SELECT volume_id AS volume FROM layer WHERE state = 'PRESENT' AND file_name IN ($1, $2)`, [
    cloned.baseFile,
    `volume-${cloned.volumeId}.1.qcow2`,
  ]);
  expect(kept).toEqual([{ volume: cloned.volumeId }, { volume: cloned.volumeId }]);
  const discarded = agent.received.at(-1)?.body;
  expect(discarded?.verb === 'discard-layers' && discarded.layers.some((layer) => layer.fileName === cloned.baseFile)).toBe(false);
});

/** Another machine whose disk is written over the frozen base of vda, as a linked clone's would be. */
async function cloneOfVda(): Promise<{ volumeId: string; baseFile: string }> {
  const other = await installation.machine(replica, agent, 'clone-1');
  const [base] = await installation.database.sql(
    `SELECT b.id, b.file_name AS file FROM volume v JOIN layer h ON h.id = v.head_layer_id JOIN layer b ON b.id = h.backing_layer_id
     WHERE v.virtual_machine_id = $1 AND v.target = 'vda'`,
    [machine.id],
  );
  const [volume] = await installation.database.sql(
    `SELECT id, head_layer_id AS head FROM volume WHERE virtual_machine_id = $1 AND target = 'vda'`,
    [other.id],
  );
  const volumeId = String(volume?.['id']);
  await installation.database.sql('UPDATE layer SET backing_layer_id = $1, file_name = $3 WHERE id = $2', [
    base?.['id'],
    volume?.['head'],
    `volume-${volumeId}.1.qcow2`,
  ]);
  return { volumeId, baseFile: String(base?.['file']) };
}
