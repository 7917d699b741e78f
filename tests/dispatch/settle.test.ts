import { settleMachines } from '@coppice/api/machines/settle/settle-machines.js';
import { createWrite } from '@coppice/api/events/write.js';
import { createLog } from '@coppice/api/platform/log.js';
import { OperationEngine } from '@coppice/api/operations/operation-engine.js';
import { machineWorks } from '@coppice/api/machines/machine-changes.js';
import { createVmSnapshotWork } from '@coppice/api/vm-snapshots/create/create-work.js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { FakeAgent } from './fake-agent.js';
import { Installation, type Replica, requestOf, valueOf } from './installation.js';
import { about, ended, snapshotOf, MachineWorld } from './machine-world.js';

let installation: Installation;
let replica: Replica;
let agent: FakeAgent;
let machine: { id: string; uuid: string };

beforeEach(async () => {
  ({ installation, replica, agent, machine } = await MachineWorld.parts());
});
afterEach(() => installation.stop());

/** One look, as each replica takes it now and then. */
async function settle(): Promise<number> {
  const { database } = replica.core;
  const write = createWrite(database, { nudge: () => undefined, idle: async () => undefined });
  const engine = new OperationEngine([createVmSnapshotWork, ...machineWorks]);
  return settleMachines({ database, write, engine, clock: installation.clock, log: createLog('silent') });
}

async function states(): Promise<Record<string, unknown>> {
  const [row] = await installation.database.sql(
    `SELECT (SELECT state::text FROM virtual_machine WHERE id = $1) AS machine, (SELECT string_agg(state::text, ' ' ORDER BY id) FROM vm_snapshot) AS snapshots,
       (SELECT string_agg(state::text, ' ' ORDER BY id) FROM operation) AS operations, (SELECT count(*)::int FROM claim) AS claims`,
    [machine.id],
  );
  return row ?? {};
}

it('FL-host-gone: leaves alone what waits for its host, however long, and what rests', async () => {
  expect(await settle()).toBe(0);
  agent.behave = () => null;
  valueOf(await replica.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id)));
  const command = await agent.nthCommand(1);
  agent.disconnect();
  expect(await settle()).toBe(0);
  expect(await states()).toMatchObject({ machine: 'SNAPSHOTTING', snapshots: 'CREATING', operations: 'RUNNING' });
  // The transient state's command is sent again, under its own id.
  await agent.connect(replica.url);
  expect((await agent.nthCommand(2)).id).toBe(command.id);
});

it('ends an operation whose command is lost from the record, and what it left in the middle', async () => {
  agent.behave = () => null;
  valueOf(await replica.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id)));
  await agent.nthCommand(1);
  await installation.database.sql(`UPDATE command SET state = 'ABANDONED'`);
  expect(await settle()).toBe(1);
  expect(await states()).toEqual({ machine: 'RUNNING', snapshots: 'ERROR', operations: 'FAILED', claims: 0 });
  expect(await settle()).toBe(0);
});

it('settles transient states that no operation owns, each where its lifecycle says', async () => {
  for (let count = 0; count < 3; count += 1) await snapshotOf(installation, replica, machine);
  const rows = await installation.database.sql('SELECT id FROM vm_snapshot ORDER BY id');
  for (const [index, state] of ['REVERTING', 'EXPUNGING', 'CREATING'].entries()) {
    await installation.database.sql('UPDATE vm_snapshot SET state = $2::vm_snapshot_state WHERE id = $1', [rows[index]?.['id'], state]);
  }
  // The host's own word on the machine's power, which would move it as well, is older than the record.
  await installation.database.sql(`UPDATE virtual_machine SET state = 'REVERTING', inventory_position = inventory_position + 1000000`);
  expect(await settle()).toBe(1);
  expect(await states()).toMatchObject({ machine: 'RUNNING', snapshots: 'READY ERROR ERROR' });
  expect(await installation.database.sql(`SELECT 1 FROM transition WHERE event = 'settle'`)).toHaveLength(4);
  const stopped = valueOf(await replica.core.machines.stop(installation.operator(), { ...about(machine), force: true }));
  expect(await ended(installation, stopped.operationId)).toMatchObject({ state: 'SUCCEEDED' });
});
