import type { InventoryMachine } from '@coppice/protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import type { FakeAgent } from './fake-agent.js';
import { Installation, type Replica, valueOf } from './installation.js';
import { about, codeOf, driftOf, ended, ownerOf, snapshotOf, MachineWorld } from './machine-world.js';

let installation: Installation;
let replica: Replica;
let agent: FakeAgent;
let machine: { id: string; uuid: string };

beforeEach(async () => {
  ({ installation, replica, agent, machine } = await MachineWorld.parts());
});
afterEach(() => installation.stop());

/** Changes the pretended machine behind our back, and waits until it is drifted so. */
async function byHand(change: (seen: InventoryMachine) => void, codes: string): Promise<void> {
  change(agent.machine(machine.uuid));
  await agent.sendInventory();
  await waitUntil(codes, async () => (await driftOf(installation, machine)) === codes);
}

async function reconcile(action: 'ADOPT' | 'REPAIR', principal = ownerOf(installation)) {
  return replica.core.machines.reconcile(principal, { ...about(machine), action });
}

/** Puts an overlay of a foreign name over the head of a disk, as virsh does. */
function grow(seen: InventoryMachine, target: string, fileName: string): void {
  const disk = seen.disks.find((one) => one.target === target);
  const [head] = disk?.chain ?? [];
  if (disk && head) disk.chain = [{ ...head, fileName }, ...disk.chain];
}

async function chainOf(target: string): Promise<string[]> {
  const rows = await installation.database.sql(
    `WITH RECURSIVE chain AS (
       SELECT l.*, 0 AS depth FROM volume v JOIN layer l ON l.id = v.head_layer_id WHERE v.virtual_machine_id = $1 AND v.target = $2
       UNION ALL SELECT l.*, chain.depth + 1 FROM chain JOIN layer l ON l.id = chain.backing_layer_id)
     SELECT file_name AS name FROM chain ORDER BY depth`,
    [machine.id, target],
  );
  return rows.map((row) => String(row['name']));
}

it('adopts layers that lie over the recorded ones: the head moves, nothing is lost, and snapshots work again', async () => {
  await snapshotOf(installation, replica, machine);
  const before = await chainOf('vda');
  await byHand((seen) => {
    grow(seen, 'vda', 'web-1.by-hand');
    grow(seen, 'vdb', 'web-1-b.by-hand');
    seen.libvirtSnapshots = ['by-hand'];
  }, 'LIBVIRT_SNAPSHOTS CHAIN_DIFFERS CHAIN_DIFFERS');
  const { operationId } = valueOf(await reconcile('ADOPT'));
  expect(await ended(installation, operationId)).toMatchObject({ state: 'SUCCEEDED', machine: 'RUNNING', claims: 0 });
  expect(agent.received.at(-1)?.body).toMatchObject({ verb: 'repair-machine', dropLibvirtSnapshots: true, dropManagedSave: false });
  expect(await driftOf(installation, machine)).toBeNull();
  expect(await chainOf('vda')).toEqual(['web-1.by-hand', ...before]);
  const heads = await installation.database.sql(
    `SELECT h.is_frozen AS head, b.is_frozen AS below FROM volume v JOIN layer h ON h.id = v.head_layer_id JOIN layer b ON b.id = h.backing_layer_id`,
  );
  expect(heads).toEqual([
    { head: false, below: true },
    { head: false, below: true },
  ]);
  await agent.sendInventory();
  await snapshotOf(installation, replica, machine);
  expect(await driftOf(installation, machine)).toBeNull();
});

it('adopts disks that came and went: found ones are volumes, gone ones are detached, a known one is attached again', async () => {
  const [, second] = agent.machine(machine.uuid).disks;
  if (!second) throw new Error('no second disk');
  await byHand((seen) => {
    seen.disks = seen.disks.filter((disk) => disk !== second);
  }, 'DISK_MISSING');
  const gone = valueOf(await reconcile('ADOPT'));
  expect(await ended(installation, gone.operationId)).toMatchObject({ state: 'SUCCEEDED' });
  const [detached] = await installation.database.sql(
    'SELECT id FROM volume WHERE virtual_machine_id IS NULL AND target IS NULL AND head_layer_id IS NOT NULL',
  );
  expect(detached).toBeDefined();
  await byHand((seen) => {
    const [base] = second.chain;
    seen.disks.push({ ...second, target: 'vdc' }, { ...second, target: 'vdd', chain: base ? [{ ...base, fileName: 'other.img' }] : [] });
  }, 'DISK_UNKNOWN DISK_UNKNOWN');
  const came = valueOf(await reconcile('ADOPT'));
  expect(await ended(installation, came.operationId)).toMatchObject({ state: 'SUCCEEDED' });
  const volumes = await installation.database.sql(
    'SELECT target, id = $1 AS known, project_id IS NOT NULL AS owned FROM volume ORDER BY target',
    [detached?.['id']],
  );
  expect(volumes).toEqual([
    { target: 'vda', known: false, owned: true },
    { target: 'vdc', known: true, owned: true },
    { target: 'vdd', known: false, owned: true },
  ]);
});

it('puts a stopped machine back on its recorded layers by REPAIR, of an ADMIN; what lies elsewhere is not adopted', async () => {
  await snapshotOf(installation, replica, machine);
  const recorded = await chainOf('vda');
  await byHand((seen) => {
    for (const disk of seen.disks) disk.chain = disk.chain.slice(1);
  }, 'CHAIN_DIFFERS CHAIN_DIFFERS');
  expect(codeOf(await reconcile('ADOPT'))).toBe('MACHINE_DRIFTED');
  expect(codeOf(await reconcile('REPAIR'))).toBe('FORBIDDEN');
  expect(codeOf(await reconcile('REPAIR', installation.admin()))).toBe('MACHINE_STATE');
  const stopped = valueOf(await replica.core.machines.stop(installation.operator(), { ...about(machine), force: true }));
  expect(await ended(installation, stopped.operationId)).toMatchObject({ state: 'SUCCEEDED', machine: 'STOPPED' });
  const { operationId } = valueOf(await reconcile('REPAIR', installation.admin()));
  expect(await ended(installation, operationId)).toMatchObject({ state: 'SUCCEEDED', machine: 'STOPPED' });
  expect(agent.machine(machine.uuid).disks[0]?.chain.map((layer) => layer.fileName)).toEqual(recorded);
  await agent.sendInventory();
  expect(await driftOf(installation, machine)).toBeNull();
});

it('reconciles neither a sound machine, nor one with snapshots inside its images, nor one that its host does not show', async () => {
  expect(codeOf(await reconcile('ADOPT'))).toBe('MACHINE_STATE');
  await byHand((seen) => {
    const [base] = seen.disks[0]?.chain ?? [];
    if (base) base.internalSnapshots = 1;
  }, 'INTERNAL_SNAPSHOTS');
  expect(codeOf(await reconcile('ADOPT'))).toBe('MIXED_SNAPSHOT_KINDS');
  expect(codeOf(await reconcile('REPAIR', installation.admin()))).toBe('MIXED_SNAPSHOT_KINDS');
  agent.machines.delete(machine.uuid);
  await agent.sendInventory();
  await waitUntil('it is gone', async () => (await driftOf(installation, machine)) === 'DOMAIN_MISSING');
  expect(codeOf(await reconcile('ADOPT'))).toBe('MACHINE_DRIFTED');
  await waitUntil('the host is asked to look again', () => agent.inventoryRequests.includes(machine.uuid));
  // What is gone from its host can go from the record.
  const { operationId } = valueOf(await replica.core.machines.destroy(ownerOf(installation), about(machine)));
  expect(await ended(installation, operationId)).toMatchObject({ state: 'SUCCEEDED', machine: 'DESTROYED' });
});

it('adopts a machine that turned up on another host of the cluster, once its own has it no more', async () => {
  await snapshotOf(installation, replica, machine);
  const other = await installation.host(replica, 'h2');
  other.machines.set(machine.uuid, agent.machine(machine.uuid));
  await other.sendInventory();
  expect(await driftOf(installation, machine)).toBeNull();
  agent.machines.delete(machine.uuid);
  await agent.sendInventory();
  // The other host is asked what it has: it would not say again what it has said.
  await waitUntil('it is seen there', async () => (await driftOf(installation, machine)) === 'DOMAIN_MISSING ON_OTHER_HOST');
  expect(codeOf(await reconcile('REPAIR', installation.admin()))).toBe('MACHINE_DRIFTED');
  const { operationId } = valueOf(await reconcile('ADOPT'));
  expect(await ended(installation, operationId)).toMatchObject({ state: 'SUCCEEDED' });
  expect(other.received.map(({ body }) => body.verb)).toEqual(['repair-machine']);
  const [row] = await installation.database.sql('SELECT host_id = $1 AS there, drift FROM virtual_machine', [other.hostId]);
  expect(row).toEqual({ there: true, drift: null });
  await other.sendInventory();
  await waitUntil('its power is known again', async () => {
    const [found] = await installation.database.sql('SELECT state::text FROM virtual_machine');
    return found?.['state'] === 'RUNNING';
  });
  await snapshotOf(installation, replica, machine);
});
