/** The agent as a process over a real socket, each test with its own, all at once: they mostly wait. There is no libvirt here: sessions, journal and heartbeats must not need it. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '@coppice/lab';
import { CloseCode, type CommandBody } from '@coppice/protocol';
import { expect, it } from 'vitest';
import { AgentProcess } from '../testing/agent-process.js';
import { FakeApi } from '../testing/fake-api.js';
import { until } from '../testing/until.js';

/** An API, and an agent that is configured for it and not started; gone with the test. */
async function staged(onTestFinished: (end: () => Promise<void>) => void) {
  const dir = await mkdtemp(join(tmpdir(), 'coppice-session-'));
  const api = await FakeApi.open();
  const agent = await configured(dir, api, api.token);
  onTestFinished(async () => {
    await agent.stop('SIGKILL');
    await api.close();
    await rm(dir, { recursive: true, force: true });
  });
  return { dir, api, agent };
}

async function configured(dir: string, api: FakeApi, enrolmentToken?: string): Promise<AgentProcess> {
  const libvirtUri = `qemu:///system?socket=${join(dir, 'none')}`;
  const config = { apiUrls: [api.url], hostName: 'h', libvirtUri, stateDir: join(dir, 'state'), pools: [], enrolmentToken };
  await writeFile(join(dir, 'agent.json'), JSON.stringify(config));
  return new AgentProcess(join(dir, 'agent.json'), join(dir, 'agent.log'));
}

function discard(machineUuid: string = randomUUID()): CommandBody {
  const volumeId = randomUUID();
  return { verb: 'discard-layers', machineUuid, layers: [{ volumeId, pool: 'p', fileName: `volume-${volumeId}.1.qcow2` }] };
}

/** It ends by its time, as there is no libvirt. */
const soon = () => ({ expiresAt: new Date(Date.now() + 300).toISOString() });

it.concurrent('enrols once with the token and a key of its own, and then proves that key', async ({ onTestFinished }) => {
  const { dir, api, agent } = await staged(onTestFinished);
  agent.start();
  await api.connected();
  expect(api.hellos[0]).toMatchObject({ identity: { kind: 'enrol', token: api.token }, hostName: 'h', libvirtVersion: 'unknown' });
  expect((await stat(join(dir, 'state/key'))).mode & 0o777).toBe(0o600);
  await until('the binding', () =>
    readFile(join(dir, 'state/host.json'), 'utf8').then(
      (text) => text.includes(api.hostId),
      () => false,
    ),
  );
  await agent.stop();
  expect(agent.exitCode).toBe(0);
  await configured(dir, api);
  agent.start();
  await api.connected();
  expect(api.hellos[1]).toMatchObject({ identity: { kind: 'known', hostId: api.hostId } });
  expect(api.hellos[1]?.journal.id).toBe(api.hellos[0]?.journal.id);
  expect(agent.log).not.toContain(api.token);
});

it.concurrent('reports until it is acknowledged, in every session, in the order of the journal, over cuts and kills', async ({
  onTestFinished,
}) => {
  const { api, agent } = await staged(onTestFinished);
  api.acknowledges = false;
  agent.start();
  await api.connected();
  const first = await api.finished(api.issue(discard(), soon()));
  const second = await api.finished(api.issue(discard(), soon()));
  expect(first.outcome).toMatchObject({ kind: 'failed', failure: { code: 'HOST_UNAVAILABLE', retryable: true } });
  expect(second.position).toBeGreaterThan(first.position);
  api.heard.length = 0;
  api.cut();
  await until('both again', () => api.all('command.finished').length >= 2);
  await agent.stop('SIGKILL');
  api.heard.length = 0;
  agent.start();
  await until('both again', () => api.all('command.finished').length >= 2);
  expect(api.all('command.finished').slice(0, 2)).toEqual([first, second]);
  api.acknowledged = second.position;
  api.cut();
  await until('a session', () => !api.isConnected || api.hellos.length > 3);
  await api.connected();
  api.heard.length = 0;
  await until('heartbeats', () => api.all('session.heartbeat').length > 2);
  expect(api.all('command.finished')).toEqual([]);
});

it.concurrent('answers a repeat from its journal, forgets what it cannot know, drops what another session sent', async ({
  onTestFinished,
}) => {
  const { api, agent } = await staged(onTestFinished);
  agent.start();
  await api.connected();
  const command = api.issue(discard(), soon());
  const report = await api.finished(command);
  api.repeat(command);
  await until('the same answer', () => api.reportsOf(command.id).length === 2);
  expect(api.reportsOf(command.id)).toEqual([report, report]);

  const old = api.issue(discard(), { number: command.number });
  expect((await api.finished(old)).outcome).toEqual({ kind: 'forgotten' });

  const stray = api.issue(discard(), { ...soon(), sessionEpoch: api.epoch + 1 });
  const machineUuid = randomUUID();
  await api.finished(api.issue(discard(machineUuid), { ...soon(), machineEpoch: 5 }));
  const stale = await api.finished(api.issue(discard(machineUuid), { machineEpoch: 4 }));
  expect(stale.outcome).toMatchObject({ kind: 'failed', failure: { code: 'MACHINE_BUSY' } });
  expect(api.reportsOf(stray.id)).toEqual([]);
  expect(api.all('command.accepted').map(({ commandId }) => commandId)).not.toContain(stray.id);
});

it.concurrent('leaves an API that is silent, comes back, and does not press one that wants a person', async ({ onTestFinished }) => {
  const { api, agent } = await staged(onTestFinished);
  api.heartbeatTimeoutMs = 2_000;
  agent.start();
  await api.connected();
  api.beats = false;
  await until('a second session', () => api.hellos.length >= 2);
  api.beats = true;
  api.refuseWith = CloseCode.REVOKED;
  api.cut();
  await until('a refused hello', () => api.hellos.length >= 3);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(api.hellos).toHaveLength(3);
});

it.concurrent('is alone in its state folder, and refuses one whose journal is damaged', async ({ onTestFinished }) => {
  const { dir, api, agent } = await staged(onTestFinished);
  agent.start();
  await api.connected();
  const other = new AgentProcess(join(dir, 'agent.json'), join(dir, 'other.log'));
  other.start();
  await other.ended();
  expect(other.exitCode).toBe(1);
  expect(other.log).toMatch(/^Another agent runs with the state folder .*Stop it first/m);
  await api.finished(api.issue(discard(), soon()));
  await agent.stop('SIGKILL');

  const path = join(dir, 'state/journal.log');
  await writeFile(path, (await readFile(path, 'utf8')).replace('"accepted"', '"Accepted"'));
  agent.start();
  await agent.ended();
  expect(agent.exitCode).toBe(1);
  expect(agent.log).toMatch(/of the journal is damaged, and whole records follow it. No command was executed/);
});

it.concurrent('tells systemd that it is ready, without an API', async ({ onTestFinished }) => {
  const { dir, api, agent } = await staged(onTestFinished);
  const socket = join(dir, 'notify');
  const script =
    'import socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\nprint(s.recv(4096).decode(),flush=True)';
  const listener = runProgram('python3', ['-c', script, socket], { deadlineMs: 20_000 });
  await until('the socket', () =>
    stat(socket).then(
      () => true,
      () => false,
    ),
  );
  await api.close();
  agent.start(undefined, { NOTIFY_SOCKET: socket });
  expect((await listener).stdout).toMatch(/^READY=1$/m);
});
