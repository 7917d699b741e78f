/** A fresh database for one test file, made by running the migrations; dropped afterwards. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { newId } from '../platform/ids.js';

const ADMIN_URL = process.env['COPPICE_TEST_DATABASE_URL'] ?? 'postgresql://postgres@127.0.0.1:55432/postgres';
const MIGRATIONS = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));

/** The database and a connection of the test's own, for arranging and for asking someone else than the API. */
export type TestDatabase = { url: string; sql: Client; drop(): Promise<void> };

async function connected(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
}

/** Makes it. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `coppice_test_${newId().replaceAll('-', '')}`;
  const admin = await connected(ADMIN_URL);
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(ADMIN_URL);
  url.pathname = `/${name}`;
  const sql = await connected(url.href);
  const folders = readdirSync(MIGRATIONS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const folder of folders.map((entry) => entry.name).sort()) {
    await sql.query(readFileSync(`${MIGRATIONS}/${folder}/migration.sql`, 'utf8'));
  }
  return {
    url: url.href,
    sql,
    async drop() {
      await sql.end();
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
}
