import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { runProgram } from '@coppice/lab';
import { Client } from 'pg';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MIGRATE_DEADLINE_MS = 120_000;

/** Name of the migrated database that worlds and tests copy: `CREATE DATABASE … TEMPLATE coppice_template`. */
export const TEMPLATE_DATABASE = 'coppice_template';

/** Makes the template on a server, by the migrations of the product and its own tool. */
export async function migrateTemplate(adminUrl: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  await client.query(`CREATE DATABASE ${TEMPLATE_DATABASE}`);
  await client.end();
  const url = new URL(adminUrl);
  url.pathname = `/${TEMPLATE_DATABASE}`;
  await runProgram(process.execPath, [join(ROOT, 'node_modules/prisma/build/index.js'), 'migrate', 'deploy'], {
    deadlineMs: MIGRATE_DEADLINE_MS,
    cwd: ROOT,
    env: { DATABASE_URL: String(url) },
  });
}
