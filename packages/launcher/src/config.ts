import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { isAbsolute, resolve } from 'node:path';

/** Everything that can be set from outside, checked once at start. */
export interface LauncherConfig {
  /** The repository's root folder. */
  readonly root: string;
  readonly dataDir: string;
  /** Sockets and pid files; short, because unix socket paths end at 107 characters. */
  readonly runDir: string;
  readonly apiPort: number;
  readonly webPort: number;
  readonly bind: string;
  /** Undefined: the embedded PostgreSQL. */
  readonly databaseUrl: string | undefined;
  readonly isDemo: boolean;
}

/** What the configuration is read from. */
export interface ConfigSource {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly argv: readonly string[];
  readonly root: string;
  readonly uid: number;
}

/** Either the configuration, or every problem in it as a sentence. */
export type ConfigResult = { readonly config: LauncherConfig } | { readonly problems: readonly string[] };

/** Reads and checks the whole configuration: COPPICE_API_PORT, COPPICE_WEB_PORT, COPPICE_DATA_DIR, COPPICE_BIND, DATABASE_URL, --no-demo. */
export function readConfig({ env, argv, root, uid }: ConfigSource): ConfigResult {
  const problems: string[] = [];
  const apiPort = readPort(env, { name: 'COPPICE_API_PORT', fallback: 4000 }, problems);
  const webPort = readPort(env, { name: 'COPPICE_WEB_PORT', fallback: 3000 }, problems);
  if (apiPort === webPort) problems.push(`COPPICE_API_PORT and COPPICE_WEB_PORT are both ${apiPort}; they must differ.`);
  const bind = env['COPPICE_BIND'] || '127.0.0.1';
  if (isIP(bind) === 0) problems.push(`COPPICE_BIND is "${bind}"; it must be an IP address, such as 127.0.0.1 or 0.0.0.0.`);
  const databaseUrl = env['DATABASE_URL'] || undefined;
  if (databaseUrl !== undefined && !/^postgres(ql)?:\/\//.test(databaseUrl)) {
    problems.push('DATABASE_URL does not begin with postgresql://; unset it to use the embedded PostgreSQL.');
  }
  problems.push(
    ...argv.filter((argument) => argument !== '--no-demo').map((argument) => `Unknown argument ${argument}; only --no-demo is known.`),
  );
  if (problems.length > 0) return { problems };
  const wanted = env['COPPICE_DATA_DIR'] || '.coppice';
  const dataDir = isAbsolute(wanted) ? resolve(wanted) : resolve(root, wanted);
  const runDir = runDirOf(dataDir, uid);
  return { config: { root, dataDir, runDir, apiPort, webPort, bind, databaseUrl, isDemo: !argv.includes('--no-demo') } };
}

/** One run folder per data folder: two installations on one machine do not meet. Not below /run for users: their hypervisors hide /run (lab/guest/enter-host.sh). */
export function runDirOf(dataDir: string, uid: number): string {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 8);
  if (uid === 0) return `/run/coppice-${hash}`;
  return `/tmp/coppice-${uid}-${hash}`;
}

/** The address that clients on this machine use for what is bound to `bind`. */
export function clientAddress(bind: string): string {
  if (bind === '0.0.0.0') return '127.0.0.1';
  if (bind === '::') return '[::1]';
  return isIP(bind) === 6 ? `[${bind}]` : bind;
}

function readPort(env: ConfigSource['env'], { name, fallback }: { name: string; fallback: number }, problems: string[]): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) problems.push(`${name} is "${text}"; it must be a port number from 1 to 65535.`);
  return port;
}
