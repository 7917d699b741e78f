import { join } from 'node:path';
import type { LauncherConfig } from './config.js';
import { clientAddress } from './config.js';
import { endLeftOvers, type NodeProgram, startNodeProgram } from './logged-process.js';
import type { OwnProgram } from './own-processes.js';
import { Supervised } from './supervised.js';

/** The demo's hosts, which are also the names of their agents. */
export const DEMO_HOSTS = ['demo-1', 'demo-2'] as const;
export type DemoHost = (typeof DEMO_HOSTS)[number];

const STOP_GRACE_MS = 10_000;
const SCRIPTS = { api: 'apps/api/dist/main.js', web: 'apps/web/dist/server.js', agent: 'packages/agent/dist/main.js' };

/** Folder of one demo host in the data folder: libvirt's state, and the agent's beside it. */
export function hostDir(config: LauncherConfig, host: DemoHost): string {
  return join(config.dataDir, 'hosts', host);
}

/** Where an agent's configuration is written (contract: packages/agent). */
export function agentConfigFile(config: LauncherConfig, host: DemoHost): string {
  return join(hostDir(config, host), 'agent.json');
}

/** The API, on the given database. */
export function apiProgram(config: LauncherConfig, databaseUrl: string, adminTokenFile: string): Supervised {
  return supervise(
    config,
    { name: 'api', script: SCRIPTS.api },
    {
      DATABASE_URL: databaseUrl,
      COPPICE_API_PORT: String(config.apiPort),
      COPPICE_BIND: config.bind,
      COPPICE_BOOTSTRAP_ADMIN_TOKEN_FILE: adminTokenFile,
    },
  );
}

/** The dashboard's server. */
export function webProgram(config: LauncherConfig): Supervised {
  return supervise(
    config,
    { name: 'web', script: SCRIPTS.web },
    {
      COPPICE_WEB_PORT: String(config.webPort),
      COPPICE_BIND: config.bind,
      COPPICE_API_URL: `http://${clientAddress(config.bind)}:${config.apiPort}`,
      NEXT_TELEMETRY_DISABLED: '1',
    },
  );
}

/** The agent of one demo host; its configuration file must be there. */
export function agentProgram(config: LauncherConfig, host: DemoHost): Supervised {
  return supervise(config, { name: agentName(host), script: SCRIPTS.agent }, { COPPICE_AGENT_CONFIG: agentConfigFile(config, host) });
}

/** Ends what a killed launcher left of our own programs; PostgreSQL, libvirtd and guests are taken over instead. */
export async function endAllLeftOvers(config: LauncherConfig): Promise<void> {
  const agents = DEMO_HOSTS.map((host) => ({ name: agentName(host), script: SCRIPTS.agent }));
  const programs = [...agents, { name: 'web', script: SCRIPTS.web }, { name: 'api', script: SCRIPTS.api }];
  await Promise.all(programs.map(({ name, script }) => endLeftOvers({ name, script: join(config.root, script), runDir: config.runDir })));
}

function agentName(host: DemoHost): string {
  return `agent-${host}`;
}

function supervise(config: LauncherConfig, { name, script }: OwnProgram, env: Record<string, string>): Supervised {
  const logFile = join(config.dataDir, 'logs', `${name}.log`);
  const program: NodeProgram = { name, script: join(config.root, script), env, logFile, cwd: config.root, runDir: config.runDir };
  return new Supervised({ name, start: () => startNodeProgram(program), stopGraceMs: STOP_GRACE_MS, logFile });
}
