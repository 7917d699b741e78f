import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createGuestDisks, defineGuest, type GuestFiles, guestState, pathInHost, startGuest } from '@coppice/lab';
import { z } from 'zod';
import type { LauncherConfig } from './config.js';
import type { TenantTokenName } from './credentials.js';
import { demoLibvirtUri, hypervisorPlace } from './demo-hosts.js';
import { DEMO_HOSTS, type DemoHost } from './programs.js';
import { readOrMake } from './small-files.js';

/** One machine of the demo, the project that gets it, and the name under which that project's token is kept. */
export interface DemoMachine {
  readonly name: string;
  readonly host: DemoHost;
  readonly project: string;
  readonly tokenName: TenantTokenName;
}

/** Two projects with a machine each, so that one can see that neither sees the other's. */
export const DEMO_MACHINES: readonly DemoMachine[] = [
  { name: 'web-1', host: 'demo-1', project: 'acme', tokenName: 'tenantToken' },
  { name: 'db-1', host: 'demo-2', project: 'globex', tokenName: 'otherTenantToken' },
];

const DISK_BYTES = 1024 * 1024 * 1024;
const Identity = z.object({ uuid: z.uuid(), volumeUuids: z.tuple([z.uuid(), z.uuid()]) });
type Identity = z.infer<typeof Identity>;
/** One file for both: made once, before the first machine. */
const Identities = z.record(z.string(), Identity);

/** The folder that both demo hosts mount as demo-pool. */
export function poolDir(config: LauncherConfig): string {
  return join(config.dataDir, 'pool');
}

/** Where a host's machines have their sockets; gone with /run after a restart of the computer. */
function ticksDir(config: LauncherConfig, host: DemoHost): string {
  return join(hypervisorPlace(config, host).runDir, 'ticks');
}

/** Makes and starts the machines that are missing; those that are known are left as they are. */
export async function makeDemoMachines(config: LauncherConfig, files: GuestFiles): Promise<void> {
  const identities = await readIdentities(config);
  for (const host of DEMO_HOSTS) await mkdir(ticksDir(config, host), { recursive: true });
  await Promise.all(
    DEMO_MACHINES.map((machine) => {
      const identity = identities[machine.name];
      if (identity === undefined)
        throw new Error(`demo.json in ${config.dataDir} does not name ${machine.name}; restore it, or begin with an empty data folder`);
      return makeDemoMachine(config, machine, { files, identity });
    }),
  );
}

/**
 * Makes a machine that no demo host knows yet, and starts it: nothing can be owed to it before its first start. One that is known is left as it is, for its
 * definition moves on with every snapshot. Safe to repeat after an interruption: uuids are fixed before anything is made.
 */
async function makeDemoMachine(
  config: LauncherConfig,
  machine: DemoMachine,
  parts: { files: GuestFiles; identity: Identity },
): Promise<void> {
  const states = await Promise.all(DEMO_HOSTS.map((host) => guestState(demoLibvirtUri(config, host), machine.name)));
  if (states.some((state) => state !== undefined)) return;
  const { files, identity } = parts;
  await mkdir(poolDir(config), { recursive: true });
  const disks = await createGuestDisks({ poolDir: poolDir(config), virtualBytes: DISK_BYTES, volumeUuids: identity.volumeUuids });
  const { runDir } = hypervisorPlace(config, machine.host);
  const uri = demoLibvirtUri(config, machine.host);
  await defineGuest(uri, {
    name: machine.name,
    uuid: identity.uuid,
    disks,
    files,
    runDir: ticksDir(config, machine.host),
    // Each host has the folder at the same place of its own: the machine may be migrated.
    runDirInHost: pathInHost(runDir, ticksDir(config, machine.host)),
    logDir: join(config.dataDir, 'logs'),
  });
  await startGuest(uri, machine.name);
}

/** Starts a machine that is off, on the host that knows it. Only after its agent is connected and owes it nothing: a start runs on what its definition names. */
export async function startIfOff(config: LauncherConfig, machine: DemoMachine): Promise<boolean> {
  for (const host of DEMO_HOSTS) {
    const uri = demoLibvirtUri(config, host);
    const state = await guestState(uri, machine.name);
    if (state !== 'shut off' && state !== 'crashed') continue;
    await startGuest(uri, machine.name);
    return true;
  }
  return false;
}

async function readIdentities(config: LauncherConfig): Promise<z.infer<typeof Identities>> {
  const make = (): string => JSON.stringify(Object.fromEntries(DEMO_MACHINES.map(({ name }) => [name, newIdentity()])), null, 2);
  return Identities.parse(JSON.parse(await readOrMake(join(config.dataDir, 'demo.json'), make)));
}

function newIdentity(): Identity {
  return { uuid: randomUUID(), volumeUuids: [randomUUID(), randomUUID()] };
}
