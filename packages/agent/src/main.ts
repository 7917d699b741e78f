import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { pino } from 'pino';
import { z } from 'zod';
import { runAgent } from './agent.js';
import { ConfigProblem, readConfig } from './config.js';
import { StateDirHeld, holdStateDir } from './state-dir-lock.js';
import { thawOnly } from './thaw-only.js';

/** systemd reads exit codes: 78 is EX_CONFIG, which the unit does not restart. */
const EXIT_CONFIG = 78;

const packageFile = z.object({ version: z.string() });
const { version } = packageFile.parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')));

/** Type=notify: systemd gave a socket. Node has no datagram sockets of that family; systemd's own tool has. */
function notifyReady(): void {
  if (process.env['NOTIFY_SOCKET'] === undefined) return;
  const child = spawn('systemd-notify', ['--ready', `--pid=${process.pid}`], { stdio: 'ignore' });
  child.on('error', (error) => console.error(`systemd could not be told that the agent is ready: ${error.message}`));
}

async function main(): Promise<number> {
  const config = readConfig(process.env);
  const log = pino({ level: config.logLevel, base: { host: config.hostName } });
  mkdirSync(config.stateDir, { recursive: true, mode: 0o700 });
  await holdStateDir(config.stateDir);
  if (process.argv.includes('--thaw')) {
    await thawOnly(config, log);
    return 0;
  }
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  log.info({ version, apiUrls: config.apiUrls, libvirtUri: config.libvirtUri }, 'agent starts');
  await runAgent({ config, log, version, signal: stop.signal, ready: notifyReady });
  log.info('agent stopped');
  return 0;
}

try {
  process.exit(await main());
} catch (error) {
  const isExpected = error instanceof ConfigProblem || error instanceof StateDirHeld;
  console.error(isExpected ? error.message : error);
  process.exit(error instanceof ConfigProblem ? EXIT_CONFIG : 1);
}
