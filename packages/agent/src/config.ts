import { readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { z } from 'zod';

/** Set to a file of JSON; each key may be overridden by COPPICE_AGENT_<KEY_IN_UPPER_SNAKE_CASE>. */
export const CONFIG_FILE_VARIABLE = 'COPPICE_AGENT_CONFIG';

const absolutePath = z.string().refine(isAbsolute, 'must be an absolute path');

const pool = z
  .strictObject({
    name: z.string().min(1).max(128),
    type: z.enum(['LOCAL', 'NFS', 'SHARED_MOUNT_POINT', 'CLVM', 'RBD']),
    /** The folder of a file-based pool; CLVM and RBD have none and are refused with POOL_UNSUPPORTED. */
    path: absolutePath.optional(),
  })
  .refine(({ type, path }) => type === 'CLVM' || type === 'RBD' || path !== undefined, 'a file-based pool needs a path');

const agentConfig = z.strictObject({
  /** Where the API listens for agents; several are tried in turn. */
  apiUrls: z
    .array(z.url({ protocol: /^wss?$/ }))
    .min(1)
    .max(16),
  hostName: z.string().min(1).max(128),
  libvirtUri: z.string().min(1),
  /** Where the agents of other hosts reach this host's libvirt, to migrate machines to it; without it, it takes none. */
  migrationUri: z.string().min(1).max(2048).optional(),
  stateDir: absolutePath,
  /** Used once, while the state folder holds no enrolled host. */
  enrolmentToken: z.string().min(20).max(256).optional(),
  pools: z.array(pool).max(64),
  /** What one merge or flatten on this host may copy in a second; without it, as fast as it goes. */
  mergeBytesPerSecond: z.coerce.number().int().positive().optional(),
  /**
   * How the memory of a running machine without hardware virtualisation is saved for a snapshot or sent to another host. HELD: it stands still
   * meanwhile, as QEMU before 9.0 loses writes of such a machine (docs/decisions/0017). LIVE: like every other one, for hosts whose QEMU is known
   * to lose none.
   */
  emulatedMemory: z.enum(['HELD', 'LIVE']).default('HELD'),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
});

export type AgentConfig = z.infer<typeof agentConfig>;
export type PoolConfig = AgentConfig['pools'][number];

/** The configuration cannot be used; the message names every key that is wrong and where it came from. */
export class ConfigProblem extends Error {
  override readonly name = 'ConfigProblem';
}

/** Reads file and environment, checks all of it. Throws ConfigProblem. */
export function readConfig(environment: NodeJS.ProcessEnv): AgentConfig {
  const path = environment[CONFIG_FILE_VARIABLE];
  const merged = { ...(path === undefined ? {} : readFileConfig(path)), ...readOverrides(environment) };
  const parsed = agentConfig.safeParse(merged);
  if (parsed.success) return parsed.data;
  const source = path === undefined ? `the environment (${CONFIG_FILE_VARIABLE} names no file)` : `${path} and the environment`;
  throw new ConfigProblem(`The agent's configuration from ${source} is not usable:\n${z.prettifyError(parsed.error)}`);
}

function readFileConfig(path: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new ConfigProblem(`The agent's configuration file ${path} cannot be read as a JSON object: ${String(cause)}`, { cause });
  }
}

/** apiUrls may be a comma-separated list, pools is JSON; the rest is text. */
function readOverrides(environment: NodeJS.ProcessEnv): Record<string, unknown> {
  const overrides: Record<string, unknown> = {};
  for (const key of Object.keys(agentConfig.shape)) {
    const variable = `COPPICE_AGENT_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
    const text = environment[variable];
    if (text === undefined || text === '') continue;
    if (key === 'apiUrls') overrides[key] = text.split(',').map((url) => url.trim());
    else overrides[key] = key === 'pools' ? jsonOf(variable, text) : text;
  }
  return overrides;
}

function jsonOf(variable: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigProblem(`${variable} is not JSON: ${String(cause)}`, { cause });
  }
}
