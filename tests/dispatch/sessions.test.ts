import { randomUUID } from 'node:crypto';
import { CloseCode, PROTOCOL_VERSION } from '@coppice/protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitUntil } from '../testkit/wait-until.js';
import { failure, type FakeAgent } from './fake-agent.js';
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

async function create(at: Replica = replica) {
  return valueOf(await at.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id)));
}

async function isInState(table: 'vm_snapshot' | 'operation' | 'host', state: string): Promise<boolean> {
  const rows = await installation.database.sql(`SELECT 1 FROM ${table} WHERE state::text = $1`, [state]);
  return rows.length === 1;
}

const CREATED = ['VM_SNAPSHOT →ALLOCATED', 'VM_SNAPSHOT ALLOCATED→CREATING', 'VM_SNAPSHOT CREATING→READY'];

it('sends an unfinished command again under its own id on every new session, and to another replica', async () => {
  const carryOut = agent.behave;
  agent.behave = () => null;
  await create();
  const first = await agent.nthCommand(1);
  agent.disconnect();
  await waitUntil('DISCONNECTED', () => isInState('host', 'DISCONNECTED'));
  const other = await installation.replica();
  await agent.connect(other.url);
  const second = await agent.nthCommand(2);
  expect(second).toMatchObject({ id: first.id, number: first.number, sessionEpoch: first.sessionEpoch + 1 });
  agent.behave = carryOut;
  await agent.connect(replica.url);
  await waitUntil('READY', () => isInState('vm_snapshot', 'READY'));
  expect(agent.received.filter((command) => command.body.verb === 'create-layers').map((command) => command.id)).toEqual([
    first.id,
    first.id,
    first.id,
  ]);
  expect(await installation.transitions('VM_SNAPSHOT')).toEqual(CREATED);
});

it('records a doubled, late and reordered report once', async () => {
  agent.behave = () => null;
  await create();
  const makes = await agent.nthCommand(1);
  const made = { kind: 'done' as const, result: agent.carryOut(makes) };
  agent.finish(makes, made, 10);
  agent.finish(makes, made, 10);
  const freezes = await agent.nthCommand(2);
  const frozen = { kind: 'done' as const, result: agent.carryOut(freezes) };
  agent.finish(freezes, frozen, 12);
  agent.finish(makes, made, 10);
  agent.finish(makes, failure('IO_ERROR', 'another answer to the same command'), 11);
  agent.finish(freezes, frozen, 12);
  await waitUntil('all six are acknowledged', () => agent.acknowledged.length === 6);
  expect(await installation.transitions('VM_SNAPSHOT')).toEqual(CREATED);
  expect(await isInState('operation', 'SUCCEEDED')).toBe(true);
  const [host] = await installation.database.sql('SELECT acknowledged_position::int AS p FROM host');
  expect(host).toEqual({ p: 12 });
  expect(agent.received).toHaveLength(2);
});

it('wakes the replica that holds the host when another one commits', async () => {
  const other = await installation.replica();
  await create(other);
  await waitUntil('READY', () => isInState('vm_snapshot', 'READY'));
  expect(await installation.transitions('VM_SNAPSHOT')).toEqual(CREATED);
});

it('FL-two-agents: commands nobody in a session that is not the host’s any more, whatever its replica believes', async () => {
  agent.behave = () => null;
  // What a replica that slept for an hour does not know: the host has been elsewhere. No message tells it.
  await installation.database.sql('UPDATE host SET session_epoch = session_epoch + 1, session_replica_id = gen_random_uuid()');
  await create();
  await waitUntil('its session is closed', () => agent.closeCode === CloseCode.REPLACED);
  expect(agent.received).toEqual([]);
  expect(await isInState('vm_snapshot', 'ALLOCATED')).toBe(true);
  await agent.connect(replica.url);
  expect((await agent.nthCommand(1)).body.verb).toBe('create-layers');
});

it('FL-two-agents: lets the newer session of the same journal take over, on the same and on another replica', async () => {
  const other = await installation.replica();
  const before = agent.welcomed?.sessionEpoch ?? 0;
  await agent.connect(replica.url);
  await agent.connect(other.url);
  expect(agent.welcomed?.sessionEpoch).toBe(before + 2);
  await create();
  await waitUntil('READY', () => isInState('vm_snapshot', 'READY'));
  expect(await isInState('host', 'UP')).toBe(true);
});

it('FL-two-agents: refuses another journal, or one that ends too early, until an ADMIN accepts the host', async () => {
  await create();
  await waitUntil('READY', () => isInState('vm_snapshot', 'READY'));
  agent.disconnect();
  const { journalId, position } = agent;
  agent.position = 1;
  await agent.connect(replica.url);
  expect(agent.refused?.closeCode).toBe(CloseCode.JOURNAL_REFUSED);
  agent.position = position;
  agent.journalId = randomUUID();
  await agent.connect(replica.url);
  expect(agent.refused?.closeCode).toBe(CloseCode.JOURNAL_REFUSED);
  valueOf(await replica.core.installation.acceptHost(installation.admin(), { hostId: agent.hostId }));
  await agent.connect(replica.url);
  expect(agent.refused).toBeNull();
  agent.journalId = journalId;
  await agent.connect(replica.url);
  expect(agent.refused?.closeCode).toBe(CloseCode.JOURNAL_REFUSED);
});

it('refuses a wrong key, a used token and a revoked host', async () => {
  const { core } = replica;
  const enrolment = { clusterId: installation.clusterId, hostName: 'h2' };
  const { token, hostId } = valueOf(await core.installation.createHostEnrollment(installation.admin(), enrolment));
  const thief = await installation.host(replica, 'h3');
  thief.hostId = agent.hostId;
  await thief.connect(replica.url);
  expect(thief.refused?.closeCode).toBe(CloseCode.UNAUTHENTICATED);
  await thief.enrol(replica.url, token);
  expect(thief.welcomed?.hostId).toBe(hostId);
  await agent.enrol(replica.url, token);
  expect(agent.refused?.closeCode).toBe(CloseCode.UNAUTHENTICATED);
  const other = await installation.replica();
  valueOf(await other.core.installation.revokeHost(installation.admin(), { hostId }));
  await waitUntil('its session on the other replica is closed', () => thief.closeCode === CloseCode.REPLACED);
  await thief.connect(replica.url);
  expect(thief.refused?.closeCode).toBe(CloseCode.REVOKED);
});

it('FL-version: refuses an agent of another protocol in words; as soon as it speaks ours it is the same host', async () => {
  const { hostId } = agent;
  for (const protocolVersion of [0, PROTOCOL_VERSION + 1]) {
    agent.protocolVersion = protocolVersion;
    await agent.connect(replica.url);
    expect(agent.refused).toMatchObject({
      closeCode: CloseCode.VERSION_REFUSED,
      message: expect.stringMatching(new RegExp(`${protocolVersion}.*${PROTOCOL_VERSION}`)),
    });
  }
  agent.protocolVersion = PROTOCOL_VERSION;
  await agent.connect(replica.url);
  expect(agent.welcomed?.hostId).toBe(hostId);
});

it('fails what was never sent when it expires, and discards nothing because nothing was made', async () => {
  agent.behave = () => null;
  agent.disconnect();
  await waitUntil('DISCONNECTED', () => isInState('host', 'DISCONNECTED'));
  await installation.database.sql(`UPDATE host SET state = 'UP'`);
  await create();
  installation.clock.forward(3_600_000);
  await waitUntil('FAILED', () => isInState('operation', 'FAILED'));
  expect(await isInState('vm_snapshot', 'ERROR')).toBe(true);
  const [left] = await installation.database.sql(
    `SELECT (SELECT count(*)::int FROM claim) AS claims, (SELECT count(*)::int FROM layer WHERE state = 'DISCARDED') AS discarded,
       (SELECT count(*)::int FROM command) AS commands`,
  );
  expect(left).toEqual({ claims: 0, discarded: 2, commands: 1 });
});
