import { randomBytes } from 'node:crypto';
import { Client, Pool } from 'pg';
import { TEMPLATE_DATABASE } from './template-database.js';

/** A database of one world. Tests ask it only to check from outside what the API says. */
export interface Database {
  readonly url: string;
  readonly name: string;
  /** Rows of one statement. */
  sql(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  close(): Promise<void>;
}

/** The server that global-setup.ts started. */
function adminDatabaseUrl(): string {
  const url = process.env['COPPICE_TEST_DATABASE_URL'];
  if (url === undefined) throw new Error('COPPICE_TEST_DATABASE_URL is not set: run the tests by the vitest.config.ts at the top');
  return url;
}

/** Runs one statement on the server itself, outside any world. */
export async function onServer(text: string, adminUrl = adminDatabaseUrl()): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

/** A new migrated database; copying a template takes some 50 ms, migrating two seconds. */
export async function createDatabase(adminUrl = adminDatabaseUrl(), template = TEMPLATE_DATABASE): Promise<Database> {
  const name = `world_${randomBytes(6).toString('hex')}`;
  await onServer(`CREATE DATABASE ${name} TEMPLATE ${template}`, adminUrl);
  return openDatabase(adminUrl, name);
}

/** Connects to a database that exists. The pool forgets connections that a restart of the server broke. */
function openDatabase(adminUrl: string, name: string): Database {
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  const pool = new Pool({ connectionString: String(url), max: 2 });
  pool.on('error', ignoreBrokenConnection);
  return {
    url: String(url),
    name,
    sql: async (text, values = []) => (await pool.query(text, [...values])).rows,
    close: () => pool.end(),
  };
}

/** The next query gets another connection, or fails in its own test. */
function ignoreBrokenConnection(): undefined {
  return undefined;
}
