import { join } from 'node:path';
import { findHypervisor, type HypervisorPlace, libvirtUriOf, listGuests, startHypervisor, stopGuest, virsh } from '@coppice/lab';
import type { LauncherConfig } from './config.js';
import { DEMO_HOSTS, type DemoHost, hostDir } from './programs.js';
import { messageOf, pause, say } from './progress.js';
import { Supervised } from './supervised.js';

const STOP_GRACE_MS = 10_000;
/** A guest that does not power off in this time is cut off. */
const GUEST_SHUTDOWN_MS = 8_000;
const SHUTDOWN_CALL_MS = 5_000;

/** Where the private libvirt host of that name keeps its things. */
export function hypervisorPlace(config: LauncherConfig, host: DemoHost): HypervisorPlace {
  return { name: host, stateDir: join(hostDir(config, host), 'libvirt'), runDir: join(config.runDir, host) };
}

/** URI of each demo host's libvirt, for the agents and for credentials.json. */
export function demoLibvirtUri(config: LauncherConfig, host: DemoHost): string {
  return libvirtUriOf(hypervisorPlace(config, host).runDir);
}

/** libvirtd of one demo host, supervised: started, or taken over if an earlier launcher left it. */
export function hypervisorProgram(config: LauncherConfig, host: DemoHost): Supervised {
  const place = hypervisorPlace(config, host);
  const start = async () => (await startHypervisor(place)).process;
  return new Supervised({ name: `libvirtd-${host}`, start, stopGraceMs: STOP_GRACE_MS, logFile: join(place.stateDir, 'log/libvirtd.log') });
}

/** Powers off every guest of the demo hosts, all at once; those that do not follow are cut off. */
export async function stopAllGuests(config: LauncherConfig): Promise<void> {
  const stops = DEMO_HOSTS.map(async (host) => {
    if (findHypervisor(hypervisorPlace(config, host)) === undefined) return;
    const uri = demoLibvirtUri(config, host);
    const names = await listGuests(uri);
    await Promise.all(names.map((name) => powerOff(uri, name)));
  });
  for (const result of await Promise.allSettled(stops))
    if (result.status === 'rejected') say(`a guest could not be stopped: ${messageOf(result.reason)}`);
}

async function powerOff(libvirtUri: string, name: string): Promise<void> {
  const deadline = performance.now() + GUEST_SHUTDOWN_MS;
  if (!(await isActive(libvirtUri, name))) return;
  try {
    await virsh(libvirtUri, ['shutdown', name, '--mode', 'agent'], SHUTDOWN_CALL_MS);
    while (performance.now() < deadline) {
      if (!(await isActive(libvirtUri, name))) return;
      await pause(200);
    }
  } catch (error) {
    say(`${name} does not power off by itself (${messageOf(error).split('\n')[0] ?? ''}); cutting it off`);
  }
  await stopGuest(libvirtUri, name);
}

async function isActive(libvirtUri: string, name: string): Promise<boolean> {
  return !['shut off', 'crashed'].includes((await virsh(libvirtUri, ['domstate', name])).trim());
}
