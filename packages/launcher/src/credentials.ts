import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { clientAddress, type LauncherConfig } from './config.js';
import { writeWhole } from './small-files.js';

/** What credentials.json in the data folder holds. Tokens are kept over restarts. */
const Credentials = z.object({
  apiUrl: z.string(),
  wsUrl: z.string(),
  webUrl: z.string(),
  adminToken: z.string(),
  tenantToken: z.string().optional(),
  otherTenantToken: z.string().optional(),
  hosts: z.array(z.object({ name: z.string(), libvirtUri: z.string() })),
});
export type Credentials = z.infer<typeof Credentials>;

/** The names under which the demo's two projects' tokens are kept. */
export type TenantTokenName = 'tenantToken' | 'otherTenantToken';

/** The credentials of the last start, undefined before the first. Throws if the file is not ours to read. */
export async function readCredentials(config: LauncherConfig): Promise<Credentials | undefined> {
  const path = join(config.dataDir, 'credentials.json');
  return existsSync(path) ? Credentials.parse(JSON.parse(await readFile(path, 'utf8'))) : undefined;
}

/** Writes them, mode 0600, whole or not at all. */
export async function writeCredentials(config: LauncherConfig, credentials: Credentials): Promise<void> {
  await writeWhole(join(config.dataDir, 'credentials.json'), `${JSON.stringify(Credentials.parse(credentials), null, 2)}\n`);
}

/** Where clients on this machine reach API and dashboard. */
export function urlsOf(config: LauncherConfig): Pick<Credentials, 'apiUrl' | 'wsUrl' | 'webUrl'> {
  const address = clientAddress(config.bind);
  return {
    apiUrl: `http://${address}:${config.apiPort}/graphql`,
    wsUrl: `ws://${address}:${config.apiPort}/graphql`,
    webUrl: `http://${address}:${config.webPort}`,
  };
}
