import { guestAgentCommand, ProgramError, virsh } from '@coppice/lab';
import type { Machine } from './machine.js';
import { waitUntil } from './wait-until.js';

/** Makes the guest agent hang: its process is stopped, the channel stays open. libvirt still calls it connected. */
export async function hangGuestAgent(machine: Machine): Promise<void> {
  await tellAgentsShell(machine, 'sleep 1; kill -STOP $agent');
}

/** Ends the guest agent: the channel is closed. */
export async function endGuestAgent(machine: Machine): Promise<void> {
  await tellAgentsShell(machine, 'sleep 1; kill -KILL $agent');
}

/** The shell is a child of the agent's; it outlives its own start by a second, so that the agent can still answer for it. */
async function tellAgentsShell(machine: Machine, words: string): Promise<void> {
  await guestAgentCommand(machine.libvirtUri, machine.name, {
    execute: 'guest-exec',
    arguments: { path: 'sh', arg: ['-c', `agent=$PPID; (${words}) &`], env: ['PATH=/bin:/sbin'] },
  });
  await waitUntil('the guest agent to answer no more', async () => !(await answers(machine)));
}

/** Asked with a short timeout: a hung agent shall not cost the test the lab's ten seconds. */
async function answers(machine: Machine): Promise<boolean> {
  try {
    await virsh(machine.libvirtUri, ['qemu-agent-command', machine.name, '--timeout', '2', '{"execute":"guest-ping"}']);
    return true;
  } catch (error) {
    if (error instanceof ProgramError) return false;
    throw error;
  }
}
