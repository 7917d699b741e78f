import { userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type LauncherConfig, readConfig } from './config.js';
import type { Credentials } from './credentials.js';
import { Launch } from './launch.js';
import { LaunchError, messageOf, say } from './progress.js';

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
// A terminal or a pipe that went away must not end the supervision.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stream.destroy());

const result = readConfig({ env: process.env, argv: process.argv.slice(2), root, uid: userInfo().uid });
if ('problems' in result) {
  console.error(`\n${result.problems.join('\n')}\nNothing was started.`);
  process.exit(1);
}
process.exit(await run(result.config));

async function run(config: LauncherConfig): Promise<number> {
  const launch = new Launch(config);
  const stopAsked = new Promise<'stop'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve('stop'));
  });
  let exitCode = 0;
  try {
    const started = launch.start();
    // When Ctrl-C wins this race, what the start still reports later is of no interest.
    started.catch(() => undefined);
    const first = await Promise.race([started, stopAsked]);
    if (first !== 'stop') {
      console.log(finalScreen(config, first));
      await stopAsked;
    }
    console.log('');
    say('stopping');
  } catch (error) {
    exitCode = 1;
    console.error(
      `\n${error instanceof LaunchError ? error.message : error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}\n`,
    );
  }
  if (!launch.hasStarted) return exitCode;
  await launch.stop();
  say(exitCode === 0 ? 'everything is stopped' : 'everything that was started is stopped; what is in the data folder stays');
  return exitCode;
}

function finalScreen(config: LauncherConfig, credentials: Credentials): string {
  const { tenantToken, adminToken, apiUrl, webUrl } = credentials;
  const who = tenantToken === undefined ? ['Admin token', adminToken] : ['Token of project acme (owner)', tenantToken];
  const rows = [
    ['Dashboard', webUrl],
    ['GraphQL', apiUrl],
    who,
    ['All tokens', `${config.dataDir}/credentials.json`],
    ['Logs', `${config.dataDir}/logs/`],
  ];
  const width = Math.max(...rows.map(([label]) => label?.length ?? 0));
  const lines = rows.map(([label, value]) => `  ${(label ?? '').padEnd(width)}  ${value}`);
  return `\nCoppice runs.\n\n${lines.join('\n')}\n\nOpen the dashboard and log in with the token. Ctrl-C stops everything.\n`;
}
