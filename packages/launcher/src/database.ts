import { join } from 'node:path';
import { runProgram } from '@coppice/lab';
import { Client } from 'pg';
import type { LauncherConfig } from './config.js';
import { LaunchError, messageOf } from './progress.js';

/** PostgreSQL 15: the oldest that the migrations and the relay are tried on. */
const OLDEST_VERSION_NUM = 150_000;
const CONNECT_DEADLINE_MS = 10_000;
const MIGRATE_DEADLINE_MS = 10 * 60_000;

/** Throws LaunchError unless the server of DATABASE_URL answers and is PostgreSQL 15 or newer. The database itself need not exist yet. */
export async function checkDatabaseVersion(url: string): Promise<void> {
  const version = await serverVersion(url);
  if (version.number >= OLDEST_VERSION_NUM) return;
  throw new LaunchError(
    `DATABASE_URL points to PostgreSQL ${version.text}; Coppice needs 15 or newer. Nothing was changed there. ` +
      'Use a newer server, or unset DATABASE_URL to use the embedded one.',
  );
}

/** Applies the migrations that are missing; makes the database if there is none. Several at once are safe: one applies, the others wait. */
export async function applyMigrations(config: Pick<LauncherConfig, 'root'>, url: string): Promise<void> {
  const prisma = join(config.root, 'node_modules/prisma/build/index.js');
  const env = { DATABASE_URL: url, CHECKPOINT_DISABLE: '1', NO_COLOR: '1' };
  await runProgram(process.execPath, [prisma, 'migrate', 'deploy'], { cwd: config.root, deadlineMs: MIGRATE_DEADLINE_MS, env });
}

async function serverVersion(url: string): Promise<{ number: number; text: string }> {
  try {
    return await askVersion(url);
  } catch (error) {
    // 3D000: the server is there, the database is not yet; migrate makes it.
    if (!(error instanceof Error && 'code' in error && error.code === '3D000')) throw unreachable(error);
    const server = new URL(url);
    server.pathname = '/postgres';
    return await askVersion(server.href);
  }
}

async function askVersion(url: string): Promise<{ number: number; text: string }> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_DEADLINE_MS, query_timeout: CONNECT_DEADLINE_MS });
  try {
    await client.connect();
    const { rows } = await client.query(
      "select current_setting('server_version_num') as number, current_setting('server_version') as text",
    );
    return { number: Number(rows[0]?.number), text: String(rows[0]?.text) };
  } finally {
    await client.end();
  }
}

function unreachable(error: unknown): LaunchError {
  return new LaunchError(`The PostgreSQL of DATABASE_URL does not take connections: ${messageOf(error)}. Nothing was started.`);
}
