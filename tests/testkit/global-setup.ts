import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identifyProcess, isSameProcess } from '@coppice/lab';
import { sweep, sweepWorkers } from './ledger.js';
import { copyPostgresBinaries, startPostgres } from './postgres-server.js';
import { takePort } from './run-folder.js';
import { migrateTemplate } from './template-database.js';

const PREFIX = 'coppice-t-';
/** Whatever is being ended may write its last words into a folder that is being removed. */
const REMOVE = { recursive: true, force: true, maxRetries: 10, retryDelay: 100 } as const;

/**
 * Once per test run: a folder, a PostgreSQL with a migrated template database, and at the end the removal of everything that any test
 * started. Sets COPPICE_TEST_RUN_DIR and COPPICE_TEST_DATABASE_URL (administrator of the server) for the tests of all packages.
 */
export async function setup(): Promise<() => Promise<void>> {
  await sweepAbandonedRuns();
  const runDir = await mkdtemp(join(tmpdir(), PREFIX));
  // PostgreSQL runs as another user and must be able to enter.
  await chmod(runDir, 0o711);
  writeFileSync(join(runDir, 'owner.json'), JSON.stringify(identifyProcess(process.pid)));
  process.env['COPPICE_TEST_RUN_DIR'] = runDir;
  const end = (): Promise<void> => endRun(runDir);
  try {
    await copyPostgresBinaries();
    const server = await startPostgres({
      dataDir: join(runDir, 'postgres'),
      port: await takePort(),
      ledgerPath: join(runDir, 'ledger.jsonl'),
    });
    process.env['COPPICE_TEST_DATABASE_URL'] = server.adminUrl;
    await migrateTemplate(server.adminUrl);
  } catch (error) {
    await end();
    throw error;
  }
  return end;
}

async function endRun(runDir: string): Promise<void> {
  await sweep(join(runDir, 'ledger.jsonl'));
  if (process.env['COPPICE_TEST_KEEP'] === '1') return;
  // What names the run goes last: a removal that is interrupted is taken up by the next run.
  const last = new Set(['owner.json', 'ledger.jsonl']);
  for (const name of readdirSync(runDir).filter((entry) => !last.has(entry))) await rm(join(runDir, name), REMOVE);
  await rm(runDir, REMOVE);
}

/** A run that got SIGKILL left its folder; its ledger says what still runs. Folders of runs whose process lives are left alone. */
async function sweepAbandonedRuns(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const owner = join(tmpdir(), name, 'owner.json');
    if (!existsSync(owner) || isSameProcess(JSON.parse(readFileSync(owner, 'utf8')))) continue;
    await sweepWorkers(join(tmpdir(), name, 'ledger.jsonl'));
    await endRun(join(tmpdir(), name));
  }
}
