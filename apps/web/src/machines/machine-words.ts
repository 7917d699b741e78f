/** Words and tones for a machine's states. */
import type { GuestAgentState, PowerState, VirtualMachineState } from '../../generated/graphql';
import type { Tone } from '../ui/Badge';

type Said = { label: string; tone: Tone };

const STATES: Record<VirtualMachineState, Said> = {
  RUNNING: { label: 'Running', tone: 'good' },
  STOPPED: { label: 'Stopped', tone: 'plain' },
  PAUSED: { label: 'Paused', tone: 'warn' },
  SNAPSHOTTING: { label: 'Taking snapshot', tone: 'busy' },
  REVERTING: { label: 'Reverting', tone: 'busy' },
  MIGRATING: { label: 'Migrating', tone: 'busy' },
  DESTROYED: { label: 'Destroyed', tone: 'plain' },
  UNKNOWN: { label: 'Unknown', tone: 'warn' },
};

/** A machine's state in words. */
export function sayMachineState(state: VirtualMachineState): Said {
  return STATES[state];
}

const AGENTS: Record<GuestAgentState, string> = { CONNECTED: 'Connected', DISCONNECTED: 'Not connected', NOT_CONFIGURED: 'Not set up' };

/** Whether the guest agent answers, in words. */
export function sayGuestAgent(state: GuestAgentState): string {
  return AGENTS[state];
}

/** Why file systems cannot be frozen now, in a sentence; undefined where they can. */
export function whyNoQuiesce(machine: { powerState: PowerState; guestAgent: GuestAgentState }): string | undefined {
  if (machine.powerState === 'OFF') return 'The machine is off, so there is nothing to freeze: its disks are at rest already.';
  if (machine.guestAgent === 'NOT_CONFIGURED') return 'The machine has no channel for a guest agent, so its file systems cannot be frozen.';
  if (machine.guestAgent === 'DISCONNECTED')
    return 'The guest agent does not answer. Install or start qemu-guest-agent inside the machine.';
  return undefined;
}
