import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GuestDefinition, guestDomainXml } from './guest-definition.js';
import { pingGuestAgent } from './guest-agent.js';
import { ProgramError } from './run-program.js';
import { virsh } from './virsh.js';

/** Makes the guest known to the host, or replaces the definition of a guest of that uuid. It does not start, and libvirt never starts it by itself. */
export async function defineGuest(libvirtUri: string, guest: GuestDefinition): Promise<void> {
  await mkdir(guest.runDir, { recursive: true });
  await mkdir(guest.logDir, { recursive: true });
  const xml = join(guest.runDir, `${guest.name}.xml`);
  await writeFile(xml, guestDomainXml(guest));
  await virsh(libvirtUri, ['define', xml]);
}

/** Starts a defined guest; it boots for about 3 s more (waitForGuestAgent). The first start on a new host takes 4 s longer: libvirt probes QEMU. */
export async function startGuest(libvirtUri: string, name: string): Promise<void> {
  await virsh(libvirtUri, ['start', name]);
}

/** Waits until the guest's agent answers. Throws after `deadlineMs`. */
export async function waitForGuestAgent(libvirtUri: string, name: string, deadlineMs = 240_000): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await pingGuestAgent(libvirtUri, name))) {
    if (performance.now() > deadline)
      throw new Error(`the guest agent of ${name} did not answer within ${deadlineMs} ms; its console log tells why`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** libvirt's word for what the guest does ("running", "shut off", "paused", …), undefined if the host does not know it. */
export async function guestState(libvirtUri: string, name: string): Promise<string | undefined> {
  try {
    return (await virsh(libvirtUri, ['domstate', name])).trim();
  } catch (error) {
    if (error instanceof ProgramError && error.stderr.includes('failed to get domain')) return undefined;
    throw error;
  }
}

/** Stops a guest at once, as if its power was cut; its definition and disks stay. Does nothing if it does not run. */
export async function stopGuest(libvirtUri: string, name: string): Promise<void> {
  const state = await guestState(libvirtUri, name);
  if (state === undefined || state === 'shut off' || state === 'crashed') return;
  try {
    await virsh(libvirtUri, ['destroy', name]);
  } catch (error) {
    // It may have ended between the two calls.
    if (!(error instanceof ProgramError) || (await guestState(libvirtUri, name)) !== 'shut off') throw error;
  }
}

/** Stops a guest and makes the host forget it, with all that libvirt kept about it. Its disk files stay. */
export async function destroyGuest(libvirtUri: string, name: string): Promise<void> {
  await stopGuest(libvirtUri, name);
  if ((await guestState(libvirtUri, name)) === undefined) return;
  await virsh(libvirtUri, ['undefine', name, '--snapshots-metadata', '--checkpoints-metadata', '--managed-save']);
}

/** Names of all guests on this host, running or not. */
export async function listGuests(libvirtUri: string): Promise<readonly string[]> {
  const names = await virsh(libvirtUri, ['list', '--all', '--name']);
  return names.split('\n').filter((name) => name !== '');
}
