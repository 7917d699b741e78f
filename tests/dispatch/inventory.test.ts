import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import type { FakeAgent } from './fake-agent.js';
import { Installation, type Replica, requestOf, valueOf } from './installation.js';
import { MachineWorld } from './machine-world.js';

let installation: Installation;
let replica: Replica;
let agent: FakeAgent;
let machine: { id: string; uuid: string };

beforeEach(async () => {
  ({ installation, replica, agent, machine } = await MachineWorld.parts());
});
afterEach(() => installation.stop());

async function row(): Promise<Record<string, unknown>> {
  const [found] = await installation.database.sql(
    `SELECT state, power_state AS power, guest_agent AS guest, inventory_position::int AS position,
       (SELECT string_agg(f->>'code', ' ') FROM jsonb_array_elements(drift->'findings') f) AS drift FROM virtual_machine WHERE id = $1`,
    [machine.id],
  );
  return found ?? {};
}

async function becomes(expected: Record<string, unknown>): Promise<void> {
  let seen: Record<string, unknown> = {};
  await waitUntil(
    JSON.stringify(expected),
    async () => {
      seen = await row();
      return Object.entries(expected).every(([key, value]) => seen[key] === value);
    },
    { describe: () => JSON.stringify(seen) },
  );
}

async function refusalCode(): Promise<string> {
  const outcome = await replica.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id));
  return outcome.ok ? 'done' : outcome.refusals[0].code;
}

it('finds machines unassigned, takes volume ids from names of ours, and records chains head first', async () => {
  const uuid = agent.addMachine('db-1');
  const [disk, second] = agent.machine(uuid).disks;
  const [base] = disk?.chain ?? [];
  if (!disk || !base || !second) throw new Error('no disk');
  const named = /volume-([0-9a-f-]{36})/.exec(base.fileName)?.[1];
  disk.chain = [{ ...base, fileName: base.fileName.replace('.0.', '.7.') }, base];
  second.chain = [{ ...base, fileName: 'root.img', format: 'raw' }];
  await agent.sendInventory();
  const found = await waitUntil('the machine is recorded', async () => {
    const rows = await installation.database.sql(
      `SELECT v.id = $2 AS named, v.target, v.next_layer_number AS next, h.file_name AS head, b.file_name AS base, m.project_id AS project
       FROM virtual_machine m JOIN volume v ON v.virtual_machine_id = m.id JOIN layer h ON h.id = v.head_layer_id
       LEFT JOIN layer b ON b.id = h.backing_layer_id WHERE m.domain_uuid = $1 ORDER BY v.target`,
      [uuid, named],
    );
    return rows.length === 2 ? rows : undefined;
  });
  expect(found).toEqual([
    { named: true, target: 'vda', next: 8, head: base.fileName.replace('.0.', '.7.'), base: base.fileName, project: null },
    { named: false, target: 'vdb', next: 1, head: 'root.img', base: null, project: null },
  ]);
});

it('makes transitions of power and guest agent, and refuses quiesce without an agent', async () => {
  agent.machine(machine.uuid).guestAgent = 'DISCONNECTED';
  await agent.sendInventory();
  await becomes({ guest: 'DISCONNECTED' });
  const outcome = await replica.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id, { quiesce: true }));
  expect(outcome).toMatchObject({ ok: false, refusals: [{ code: 'GUEST_AGENT_UNAVAILABLE' }] });
  agent.machine(machine.uuid).power = 'PAUSED';
  await agent.sendInventory();
  await becomes({ state: 'PAUSED', power: 'PAUSED' });
  expect((await installation.transitions('VIRTUAL_MACHINE')).slice(-2)).toEqual([
    'VIRTUAL_MACHINE RUNNING→RUNNING',
    'VIRTUAL_MACHINE RUNNING→PAUSED',
  ]);
});

it('shows drift when a chain is not as recorded, refuses operations, and clears it when it is again', async () => {
  const [disk] = agent.machine(machine.uuid).disks;
  const chain = disk?.chain ?? [];
  const [base] = chain;
  if (!disk || !base) throw new Error('no disk');
  disk.chain = [{ ...base, fileName: 'by-hand.qcow2' }, base];
  await agent.sendInventory();
  await becomes({ drift: 'CHAIN_DIFFERS' });
  expect(await refusalCode()).toBe('MACHINE_DRIFTED');
  disk.chain = chain;
  await agent.sendInventory();
  await becomes({ drift: null });
  expect(await refusalCode()).toBe('done');
});

it('calls snapshots of other tools by their own name', async () => {
  agent.machine(machine.uuid).libvirtSnapshots = ['by-hand'];
  await agent.sendInventory();
  await becomes({ drift: 'LIBVIRT_SNAPSHOTS' });
  expect(await refusalCode()).toBe('MACHINE_DRIFTED');
});

it('ignores an inventory beside an active operation, and one older than a recorded result', async () => {
  const behave = agent.behave;
  agent.behave = () => null;
  agent.position = 50;
  valueOf(await replica.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id)));
  const makes = await agent.nthCommand(1);
  agent.machine(machine.uuid).libvirtSnapshots = ['seen in the middle'];
  await agent.sendInventory(60);
  agent.finish(makes, { kind: 'done', result: agent.carryOut(makes) }, 61);
  const freezes = await agent.nthCommand(2);
  agent.machine(machine.uuid).libvirtSnapshots = [];
  agent.finish(freezes, { kind: 'done', result: agent.carryOut(freezes) }, 70);
  await waitUntil('the end', () => agent.acknowledged.includes(70));
  agent.machine(machine.uuid).libvirtSnapshots = ['seen before the end'];
  await agent.sendInventory(69);
  agent.machine(machine.uuid).libvirtSnapshots = [];
  await agent.sendInventory(71);
  await becomes({ position: 71, drift: null });
  const drifted = await installation.database.sql(`SELECT 1 FROM transition WHERE event = 'drift'`);
  expect(drifted).toEqual([]);
  agent.behave = behave;
});

it('takes a machine that its host has no more for gone, and for back again', async () => {
  const kept = agent.machine(machine.uuid);
  agent.machines.delete(machine.uuid);
  await agent.sendInventory();
  await becomes({ state: 'UNKNOWN', drift: 'DOMAIN_MISSING' });
  agent.machines.set(machine.uuid, kept);
  await agent.sendInventory();
  await becomes({ state: 'RUNNING', drift: null });
});

it('notices that the replica of a host died, and that it lives after all', async () => {
  await installation.replica();
  // As a replica leaves it that got SIGKILL: UP in its name, and nobody holds its lock.
  await installation.database.sql(`UPDATE host SET session_replica_id = gen_random_uuid()`);
  await waitUntil('DISCONNECTED', async () => {
    const [host] = await installation.database.sql('SELECT state FROM host');
    return host?.['state'] === 'DISCONNECTED';
  });
  expect(await refusalCode()).toBe('HOST_UNAVAILABLE');
  await agent.connect(replica.url);
  expect(await refusalCode()).toBe('done');
});
