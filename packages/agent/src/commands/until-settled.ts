import { setTimeout as sleep } from 'node:timers/promises';
import { CommandProblem } from '../failure.js';
import type { CommandContext } from './context.js';

const LOOK_EVERY_MS = 200;
/** A QEMU that is asked to end is killed after 15 s; a guest that sleeps (PMSUSPENDED) is between two states for as long as it likes. */
const SETTLE_DEADLINE_MS = 60_000;

/**
 * Waits while libvirt has the machine between two states: a call of an agent that died goes on without it, and what it is doing is not what
 * a plan was made for. At the deadline it resolves all the same: whoever asked says what is wrong with such a machine. Throws HypervisorLost.
 */
export async function untilSettled({ hypervisor, command }: CommandContext): Promise<void> {
  const deadline = performance.now() + SETTLE_DEADLINE_MS;
  while ((await isBetweenStates(command.body.machineUuid, hypervisor)) && performance.now() < deadline) await sleep(LOOK_EVERY_MS);
}

async function isBetweenStates(uuid: string, hypervisor: CommandContext['hypervisor']): Promise<boolean> {
  try {
    return (await hypervisor.describeMachine(uuid)).power === 'UNKNOWN';
  } catch (error) {
    if (error instanceof CommandProblem && error.code === 'NOT_FOUND') return false;
    throw error;
  }
}
