import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { endProcess, type ProcessIdentity } from '@coppice/lab';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type EmbeddedPostgres, prepareEmbeddedPostgres } from './embedded-postgres.js';

let dataDir: string;
let runDir: string;
let postgres: EmbeddedPostgres;
let server: ProcessIdentity | undefined;

beforeAll(async () => {
  // mkdtemp makes it with mode 700, as a home folder may have.
  dataDir = await mkdtemp(join(tmpdir(), 'coppice data '));
  runDir = join('/tmp', `coppice-pg-${basename(dataDir).slice(-6)}`);
  postgres = await prepareEmbeddedPostgres({ dataDir, runDir });
  server = await postgres.start();
});

afterAll(async () => {
  if (server !== undefined) await endProcess(server, 'SIGINT', 120_000);
  await rm(dataDir, { recursive: true, force: true });
  await rm(runDir, { recursive: true, force: true });
});

async function query(text: string): Promise<unknown> {
  const client = new Client({ connectionString: postgres.url.replace(/\/coppice$/, '/postgres') });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

it('is durable, and open only to who has the password', async () => {
  expect(await query("select current_setting('fsync') as fsync, current_setting('listen_addresses') as listen")).toEqual([
    { fsync: 'on', listen: '127.0.0.1' },
  ]);
  expect((await stat(join(dataDir, 'postgres-password'))).mode & 0o777).toBe(0o600);
  const stranger = new Client({ connectionString: postgres.url.replace(/:[^:@/]+@/, ':wrong@') });
  await expect(stranger.connect()).rejects.toThrow('password authentication failed');
});

it('is taken over where it runs, and keeps its data and port over a kill', async () => {
  await query('create table kept (id int)');
  await query('insert into kept values (42)');
  const again = await prepareEmbeddedPostgres({ dataDir, runDir });
  expect(again.url).toBe(postgres.url);
  expect(await again.start()).toEqual(server);

  if (server !== undefined) await endProcess(server, 'SIGKILL', 60_000);
  const afterKill = await prepareEmbeddedPostgres({ dataDir, runDir });
  expect(afterKill.url).toBe(postgres.url);
  server = await afterKill.start();
  expect(await query('select id from kept')).toEqual([{ id: 42 }]);
});
