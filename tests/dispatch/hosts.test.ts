import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import type { FakeAgent } from './fake-agent.js';
import { Installation, type Replica, requestOf, valueOf } from './installation.js';
import { about, codeOf, driftOf, ended, MachineWorld } from './machine-world.js';

let installation: Installation;
let replica: Replica;
let agent: FakeAgent;
let machine: { id: string; uuid: string };

beforeEach(async () => {
  ({ installation, replica, agent, machine } = await MachineWorld.parts());
});
afterEach(() => installation.stop());

async function hostRow(): Promise<Record<string, unknown>> {
  const [row] = await installation.database.sql('SELECT state::text, migration_uri AS uri FROM host');
  return row ?? {};
}

it('FL-host-gone: fails what waits for an abandoned host, drifts its machines and refuses its agent; nothing is sent or discarded again', async () => {
  agent.behave = () => null;
  const { operationId } = valueOf(await replica.core.machines.stop(installation.operator(), { ...about(machine), force: false }));
  await agent.nthCommand(1);
  const hostId = agent.hostId ?? '';
  expect(codeOf(await replica.core.installation.abandonHost(installation.admin(), { hostId }))).toBe('INVALID_INPUT');
  agent.disconnect();
  await waitUntil('DISCONNECTED', async () => (await hostRow())['state'] === 'DISCONNECTED');
  expect(codeOf(await replica.core.installation.abandonHost(installation.operator(), { hostId }))).toBe('FORBIDDEN');
  valueOf(await replica.core.installation.abandonHost(installation.admin(), { hostId }));
  expect(await ended(installation, operationId)).toEqual({
    state: 'FAILED',
    code: 'HOST_UNAVAILABLE',
    machine: 'UNKNOWN',
    power: 'UNKNOWN',
    claims: 0,
  });
  expect(await driftOf(installation, machine)).toBe('HOST_ABANDONED');
  expect((await hostRow())['state']).toBe('REVOKED');
  const [commands] = await installation.database.sql(`SELECT string_agg(state::text, ',') AS states FROM command`);
  expect(commands?.['states']).toBe('ABANDONED');
  await agent.connect(replica.url);
  expect(agent.refused).not.toBeNull();
  expect(codeOf(await replica.core.machines.start(installation.operator(), about(machine)))).toBe('MACHINE_DRIFTED');
});

it('refuses what needs a capability that an administrator switched off, and no other work', async () => {
  agent.capabilities = [{ name: 'vm-snapshot.disk', available: true, reason: null }];
  agent.migrationUri = 'qemu+unix:///system?socket=/run/h1';
  await agent.connect(replica.url);
  expect(await hostRow()).toEqual({ state: 'UP', uri: agent.migrationUri });
  const hostId = agent.hostId ?? '';
  const { installation: changes, createVmSnapshot, machines } = replica.core;
  expect(codeOf(await changes.setHostCapability(installation.admin(), { hostId, name: 'no-such', enabled: false }))).toBe('NOT_FOUND');
  valueOf(await changes.setHostCapability(installation.admin(), { hostId, name: 'vm-snapshot.disk', enabled: false }));
  expect(codeOf(await createVmSnapshot.create(installation.operator(), requestOf(machine.id)))).toBe('CAPABILITY_DISABLED');
  const stopped = valueOf(await machines.stop(installation.operator(), { ...about(machine), force: false }));
  expect(await ended(installation, stopped.operationId)).toMatchObject({ state: 'SUCCEEDED' });
  valueOf(await changes.setHostCapability(installation.admin(), { hostId, name: 'vm-snapshot.disk', enabled: true }));
  expect(codeOf(await createVmSnapshot.create(installation.operator(), requestOf(machine.id)))).toBe('done');
});

it('keeps a host in maintenance through sessions, and calls it DISCONNECTED afterwards where none is open', async () => {
  const hostId = agent.hostId ?? '';
  const { installation: changes } = replica.core;
  valueOf(await changes.setHostMaintenance(installation.admin(), { hostId, maintenance: true }));
  await agent.connect(replica.url);
  expect((await hostRow())['state']).toBe('MAINTENANCE');
  agent.disconnect();
  await waitUntil(
    'nobody holds it',
    async () => (await installation.database.sql('SELECT 1 FROM host WHERE session_replica_id IS NULL')).length === 1,
  );
  expect((await hostRow())['state']).toBe('MAINTENANCE');
  valueOf(await changes.setHostMaintenance(installation.admin(), { hostId, maintenance: false }));
  expect((await hostRow())['state']).toBe('DISCONNECTED');
});
