/** Rows for tests, inserted as a host's inventory and a finished operation would leave them. */
import type pg from 'pg';
import { newId } from '../platform/ids.js';

async function insert(sql: pg.Client, table: string, row: Record<string, unknown>): Promise<string> {
  const names = Object.keys(row);
  const places = names.map((_name, at) => `$${at + 1}`).join(', ');
  await sql.query(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${places})`, Object.values(row));
  return typeof row['id'] === 'string' ? row['id'] : '';
}

/** Plain ids of a place with a connected host and a pool. */
export type Place = { clusterId: string; hostId: string; poolId: string };

/** A zone, a cluster, a host that is UP, a shared pool. */
export async function seedPlace(sql: pg.Client): Promise<Place> {
  const tag = newId();
  const zoneId = await insert(sql, 'zone', { id: newId(), name: `zone ${tag}` });
  const clusterId = await insert(sql, 'cluster', { id: newId(), name: 'cluster', zone_id: zoneId });
  const host = { id: newId(), name: `host-${tag}`, cluster_id: clusterId, state: 'UP', agent_version: '0.1.0' };
  const capabilities = JSON.stringify([{ name: 'vm-snapshot.disk', available: true, reason: null }]);
  const hostId = await insert(sql, 'host', { ...host, capabilities });
  const pool = { id: newId(), name: 'pool', type: 'SHARED_MOUNT_POINT', cluster_id: clusterId, capacity_bytes: 10 ** 12 };
  const poolId = await insert(sql, 'storage_pool', { ...pool, available_bytes: 10 ** 11 });
  return { clusterId, hostId, poolId };
}

/** A running machine with one volume whose base is its head. Plain ids. */
export type Machine = { id: string; volumeId: string; baseId: string; projectId: string | null };

/** Makes it. */
export async function seedMachine(sql: pg.Client, place: Place, owner: { projectId: string | null; name: string }): Promise<Machine> {
  const { projectId, name } = owner;
  const machine = { id: newId(), domain_uuid: newId(), name, project_id: projectId, host_id: place.hostId, vcpus: 2 };
  const id = await insert(sql, 'virtual_machine', { ...machine, memory_bytes: 2 ** 30, state: 'RUNNING', power_state: 'ON' });
  const volume = { id: newId(), name: `${name} vda`, project_id: projectId, virtual_machine_id: id, target: 'vda', pool_id: place.poolId };
  const volumeId = await insert(sql, 'volume', { ...volume, virtual_bytes: 2 ** 33 });
  const baseId = await seedLayer(sql, { volumeId, backingLayerId: null, bytes: 1000 });
  await sql.query('UPDATE volume SET head_layer_id = $1 WHERE id = $2', [baseId, volumeId]);
  return { id, volumeId, baseId, projectId };
}

/** A layer whose file is there. */
export async function seedLayer(
  sql: pg.Client,
  layer: { volumeId: string; backingLayerId: string | null; bytes: number },
): Promise<string> {
  const id = newId();
  const names = { id, volume_id: layer.volumeId, file_name: `volume-${layer.volumeId}.${id}.qcow2`, format: 'qcow2', state: 'PRESENT' };
  return insert(sql, 'layer', { ...names, backing_layer_id: layer.backingLayerId, virtual_bytes: 2 ** 33, allocated_bytes: layer.bytes });
}

/** A READY snapshot that pins the machine's present head; the machine writes a new one afterwards. Plain ids. */
export async function seedSnapshot(
  sql: pg.Client,
  machine: Machine,
  snapshot: { name: string; parentId: string | null; bytes?: number },
): Promise<string> {
  const createdBy = JSON.stringify({ kind: 'USER', name: 'someone@example.org', userId: null });
  const id = await insert(sql, 'vm_snapshot', {
    id: newId(),
    virtual_machine_id: machine.id,
    project_id: machine.projectId,
    name: snapshot.name,
    kind: 'DISK',
    consistency: 'CRASH',
    state: 'READY',
    parent_id: snapshot.parentId,
    created_by: createdBy,
  });
  const { rows } = await sql.query<{ head_layer_id: string }>('SELECT head_layer_id FROM volume WHERE id = $1', [machine.volumeId]);
  const pinned = rows[0]?.head_layer_id ?? null;
  await sql.query('UPDATE layer SET is_frozen = true WHERE id = $1', [pinned]);
  await insert(sql, 'snapshot_disk', { id: newId(), snapshot_id: id, volume_id: machine.volumeId, layer_id: pinned, target: 'vda' });
  const head = await seedLayer(sql, { volumeId: machine.volumeId, backingLayerId: pinned, bytes: snapshot.bytes ?? 100 });
  await sql.query('UPDATE volume SET head_layer_id = $1 WHERE id = $2', [head, machine.volumeId]);
  const current =
    'UPDATE virtual_machine SET current_snapshot_id = $1, head_since = now(), tree_revision = tree_revision + 1 WHERE id = $2';
  await sql.query(current, [id, machine.id]);
  return id;
}

/** A running operation of a machine, which it holds, with one step that has ended and one that runs. Plain id. */
export async function seedOperation(sql: pg.Client, machine: Machine): Promise<string> {
  const startedBy = JSON.stringify({ kind: 'TOKEN', name: 'robot', userId: null });
  const id = await insert(sql, 'operation', {
    id: newId(),
    kind: 'createVmSnapshot',
    state: 'RUNNING',
    project_id: machine.projectId,
    virtual_machine_id: machine.id,
    subject_type: 'VIRTUAL_MACHINE',
    subject_id: machine.id,
    plan: '{}',
    started_by: startedBy,
    started_at: new Date(),
  });
  const step = { operation_id: id, volume_id: machine.volumeId, started_at: new Date(), description: 'A step.' };
  await insert(sql, 'operation_step', { ...step, id: newId(), position: 0, kind: 'CREATE_LAYER', state: 'SUCCEEDED' });
  await insert(sql, 'operation_step', { ...step, id: newId(), position: 1, kind: 'FREEZE_LAYER', state: 'RUNNING' });
  await insert(sql, 'claim', { resource: `machine:${machine.id}`, operation_id: id, epoch: 1 });
  return id;
}

/** Lets an operation move on, as the engine would, with its transition. */
export async function moveOperation(sql: pg.Client, machine: Machine, move: { id: string; from: string; to: string }): Promise<void> {
  await sql.query('UPDATE operation SET state = $1::operation_state, revision = revision + 1 WHERE id = $2', [move.to, move.id]);
  await seedTransition(sql, { machine, subjectType: 'OPERATION', subjectId: move.id, from: move.from, to: move.to });
}

/** A transition that the relay has not numbered yet. */
export async function seedTransition(
  sql: pg.Client,
  made: { machine: Machine; subjectType: string; subjectId: string; from: string | null; to: string; reason?: string },
): Promise<void> {
  const actor = JSON.stringify({ kind: 'SYSTEM', name: 'test', userId: null });
  await insert(sql, 'transition', {
    project_id: made.machine.projectId,
    virtual_machine_id: made.machine.id,
    subject_type: made.subjectType,
    subject_id: made.subjectId,
    from_state: made.from,
    to_state: made.to,
    event: 'test',
    reason: made.reason ?? null,
    actor,
  });
  await sql.query('SELECT coppice_relay()');
}

/** So many READY snapshots in a straight chain, in a few statements. */
export async function seedChain(sql: pg.Client, machine: Machine, count: number): Promise<void> {
  const { id, volumeId, projectId } = machine;
  const actor = JSON.stringify({ kind: 'SYSTEM', name: 'test', userId: null });
  const uuid = (kind: string, n: string) => `('00000000-0000-7000-${kind}-' || lpad(to_hex(${n}), 12, '0'))::uuid`;
  await sql.query(
    `INSERT INTO layer (id, volume_id, file_name, format, state, backing_layer_id, virtual_bytes, allocated_bytes, is_frozen)
     SELECT ${uuid('8000', 'n')}, $1, 'layer-' || n, 'qcow2', 'PRESENT', CASE WHEN n > 1 THEN ${uuid('8000', 'n - 1')} END, 1, 1, true
     FROM generate_series(1, $2::int) AS n`,
    [volumeId, count],
  );
  await sql.query(
    `INSERT INTO vm_snapshot (id, virtual_machine_id, project_id, name, kind, consistency, state, parent_id, created_by)
     SELECT ${uuid('9000', 'n')}, $1, $2, 'chain-' || n, 'DISK', 'CRASH', 'READY', CASE WHEN n > 1 THEN ${uuid('9000', 'n - 1')} END, $3
     FROM generate_series(1, $4::int) AS n`,
    [id, projectId, actor, count],
  );
  await sql.query(
    `INSERT INTO snapshot_disk (id, snapshot_id, volume_id, layer_id, target)
     SELECT ${uuid('a000', 'n')}, ${uuid('9000', 'n')}, $1, ${uuid('8000', 'n')}, 'vda' FROM generate_series(1, $2::int) AS n`,
    [volumeId, count],
  );
}
