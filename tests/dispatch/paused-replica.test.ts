import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { CloseCode } from '@coppice/protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { takePort } from '../testkit/run-folder.js';
import { waitUntil } from '../testkit/wait-until.js';
import { Installation, requestOf, valueOf } from './installation.js';

let installation: Installation;
let paused: { process: ChildProcess; url: string };

beforeEach(async () => {
  installation = await Installation.start();
  paused = await startProcess();
});
afterEach(async () => {
  paused.process.kill('SIGKILL');
  await once(paused.process, 'exit');
  await installation.stop();
});

/** A replica as a process of its own, so that it can be stopped like one. */
async function startProcess(): Promise<{ process: ChildProcess; url: string }> {
  const port = await takePort();
  const main = fileURLToPath(new URL('../../apps/api/dist/main.js', import.meta.url));
  const env = { ...process.env, DATABASE_URL: installation.database.url, COPPICE_API_PORT: String(port), COPPICE_LOG_LEVEL: 'error' };
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  await waitUntil('the process is ready', async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok);
  return { process: child, url: `ws://127.0.0.1:${port}/agent` };
}

it('FL-paused-replica: commands nobody when it wakes: the host has been with another replica, and its work is done there once', async () => {
  const replica = await installation.replica();
  const agent = await installation.host(replica, 'h1');
  const machine = await installation.machine(replica, agent, 'web-1');
  await agent.connect(paused.url);
  await waitUntil('the older session is closed', () => agent.closeCodes.length === 1);
  const behave = agent.behave;
  agent.behave = () => null;
  const first = valueOf(await replica.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id)));
  // It holds the host, and has sent the first command, when it stops; its socket stays open, as the kernel keeps it.
  expect((await agent.nthCommand(1)).sessionEpoch).toBe(2);
  paused.process.kill('SIGSTOP');
  agent.behave = behave;
  // It may have been stopped in the middle of a transaction, whose locks the database takes back after some seconds.
  await waitUntil('a session elsewhere', async () => {
    await agent.connect(replica.url);
    return agent.welcomed !== null;
  });
  const isReady = async (id: string) =>
    (await installation.database.sql(`SELECT 1 FROM vm_snapshot WHERE id = $1 AND state = 'READY'`, [id])).length === 1;
  await waitUntil('the first is READY', () => isReady(first.snapshotId));
  const second = valueOf(await replica.core.createVmSnapshot.create(installation.operator(), requestOf(machine.id)));
  paused.process.kill('SIGCONT');
  await waitUntil('the second is READY', () => isReady(second.snapshotId));
  await waitUntil('what woke closes its session', () => agent.closeCodes.length >= 2);
  // Whichever it finds out first.
  expect([CloseCode.REPLACED, CloseCode.TIMEOUT]).toContain(agent.closeCodes.at(-1));
  expect(agent.received.map((command) => `${command.sessionEpoch} ${command.body.verb}`)).toEqual([
    '2 create-layers',
    '3 create-layers',
    '3 freeze-layers',
    '3 create-layers',
    '3 freeze-layers',
  ]);
  const [host] = await installation.database.sql('SELECT state, session_epoch::int AS epoch FROM host');
  expect(host).toEqual({ state: 'UP', epoch: 3 });
  expect(await installation.transitions('OPERATION')).toEqual([
    'OPERATION →RUNNING',
    'OPERATION RUNNING→SUCCEEDED',
    'OPERATION →RUNNING',
    'OPERATION RUNNING→SUCCEEDED',
  ]);
});
