import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { clientAddress, type LauncherConfig } from './config.js';
import { demoLibvirtUri } from './demo-hosts.js';
import { poolDir } from './demo-machines.js';
import { agentConfigFile, DEMO_HOSTS, type DemoHost, hostDir } from './programs.js';
import { LaunchError } from './progress.js';
import type { PublicApi } from './public-api.js';
import { writeWhole } from './small-files.js';

/*
 * Tells the API about the demo's zone, cluster and hosts, through its public mutations. Everything is looked up first and made only if it is missing, so a
 * second start changes nothing and an interrupted first start goes on where it was.
 */

const ZONE = 'demo-zone';
const CLUSTER = 'demo-cluster';
/** The API's tokens live 24 hours. */
const TOKEN_LIFE_MS = 23 * 60 * 60_000;
const POOL = 'demo-pool';

export const Errors = z.array(z.object({ code: z.string(), message: z.string() }));
const Named = z.object({ id: z.string(), name: z.string() });
const Zones = z.object({ zones: z.array(Named.extend({ clusters: z.array(Named) })) });
const Hosts = z.object({ hosts: z.object({ nodes: z.array(Named.extend({ state: z.string().nullable() })) }) });

/** A host as the API has it. */
export type KnownHost = z.infer<typeof Hosts>['hosts']['nodes'][number];

/** All hosts that the API knows. */
export async function listHosts(api: PublicApi): Promise<readonly KnownHost[]> {
  return (await api.ask({ document: '{ hosts(first: 100) { nodes { id name state } } }', shape: Hosts })).hosts.nodes;
}

/** Zone, cluster, and for each demo host its agent's configuration, with an enrolment token where its agent has not used one yet. */
export async function enrolDemoHosts(api: PublicApi, config: LauncherConfig): Promise<void> {
  const clusterId = await findOrCreateCluster(api);
  const known = await listHosts(api);
  for (const host of DEMO_HOSTS) {
    const state = known.find(({ name }) => name === host)?.state;
    if (state === undefined) await setStrangeStateAside(config, host);
    const isWaiting = state === undefined || state === 'ENROLLED';
    const token = isWaiting ? ((await keptToken(config, host)) ?? (await createEnrolment(api, clusterId, host))) : undefined;
    await writeAgentConfig(config, host, token);
  }
}

/** The token of an enrolment that an earlier start made and its agent may be using just now; undefined if there is none, or it is about to expire. */
async function keptToken(config: LauncherConfig, host: DemoHost): Promise<string | undefined> {
  const path = agentConfigFile(config, host);
  if (!existsSync(path) || Date.now() - (await stat(path)).mtimeMs > TOKEN_LIFE_MS) return undefined;
  return z.object({ enrolmentToken: z.string().optional() }).parse(JSON.parse(await readFile(path, 'utf8'))).enrolmentToken;
}

/** The state folder of a demo host's agent. */
function agentStateDir(config: LauncherConfig, host: DemoHost): string {
  return join(hostDir(config, host), 'agent');
}

/** An agent's key and token that this database does not know belong to another one (DATABASE_URL changed): kept, but not used. */
async function setStrangeStateAside(config: LauncherConfig, host: DemoHost): Promise<void> {
  await rm(agentConfigFile(config, host), { force: true });
  const dir = agentStateDir(config, host);
  if (existsSync(dir)) await rename(dir, `${dir}.before-${Date.now()}`);
}

async function writeAgentConfig(config: LauncherConfig, host: DemoHost, enrolmentToken: string | undefined): Promise<void> {
  await mkdir(agentStateDir(config, host), { recursive: true, mode: 0o700 });
  await mkdir(poolDir(config), { recursive: true });
  const content = {
    apiUrls: [`ws://${clientAddress(config.bind)}:${config.apiPort}/agent`],
    hostName: host,
    libvirtUri: demoLibvirtUri(config, host),
    migrationUri: demoLibvirtUri(config, host),
    stateDir: agentStateDir(config, host),
    pools: [{ name: POOL, type: 'SHARED_MOUNT_POINT', path: poolDir(config) }],
    ...(enrolmentToken === undefined ? {} : { enrolmentToken }),
  };
  const [path, text] = [agentConfigFile(config, host), JSON.stringify(content, null, 2)];
  // Written only if it changes: its age is the age of the token in it.
  if (!existsSync(path) || (await readFile(path, 'utf8')) !== text) await writeWhole(path, text);
}

async function findOrCreateCluster(api: PublicApi): Promise<string> {
  const { zones } = await api.ask({ document: '{ zones { id name clusters { id name } } }', shape: Zones });
  const zone = zones.find(({ name }) => name === ZONE);
  const found = zone?.clusters.find(({ name }) => name === CLUSTER);
  if (found !== undefined) return found.id;
  const zoneId = zone?.id ?? (await createZone(api));
  const { createCluster } = await api.ask({
    document: 'mutation ($input: CreateClusterInput!) { createCluster(input: $input) { cluster { id name } errors { code message } } }',
    variables: { input: { zoneId, name: CLUSTER } },
    shape: z.object({ createCluster: z.object({ cluster: Named.nullable(), errors: Errors }) }),
  });
  return made('cluster', createCluster.cluster, createCluster.errors).id;
}

async function createZone(api: PublicApi): Promise<string> {
  const { createZone } = await api.ask({
    document: 'mutation ($input: CreateZoneInput!) { createZone(input: $input) { zone { id name } errors { code message } } }',
    variables: { input: { name: ZONE } },
    shape: z.object({ createZone: z.object({ zone: Named.nullable(), errors: Errors }) }),
  });
  return made('zone', createZone.zone, createZone.errors).id;
}

async function createEnrolment(api: PublicApi, clusterId: string, hostName: string): Promise<string> {
  const { createHostEnrollment } = await api.ask({
    document: 'mutation ($input: CreateHostEnrollmentInput!) { createHostEnrollment(input: $input) { token errors { code message } } }',
    variables: { input: { clusterId, hostName } },
    shape: z.object({ createHostEnrollment: z.object({ token: z.string().nullable(), errors: Errors }) }),
  });
  return made('host enrolment', createHostEnrollment.token, createHostEnrollment.errors);
}

/** What a mutation made; throws LaunchError with the API's words if it refused. */
export function made<T>(what: string, value: T | null, errors: z.infer<typeof Errors>): T {
  if (value !== null) return value;
  throw new LaunchError(
    `The API refused to make the demo's ${what}: ${errors.map(({ code, message }) => `${code}: ${message}`).join('; ')}`,
  );
}
