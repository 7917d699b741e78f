/**
 * remove-machine: stops a machine at once and takes its definition from the host, with all that libvirt keeps beside it. Must never remove a
 * disk's file: discard-layers does, for those that nobody reads.
 */
import type { CommandResult } from '@coppice/protocol';
import { CommandProblem } from '../../failure.js';
import type { MachineFacts } from '../../hypervisor/port.js';
import { type CommandContext, told } from '../context.js';

type Body = Extract<CommandContext['command']['body'], { verb: 'remove-machine' }>;

/** A machine that is not there is success; a transient one is gone when it is stopped. */
export async function removeMachine({ machineUuid }: Body, context: CommandContext): Promise<CommandResult> {
  const { hypervisor } = context;
  const facts = await lookFor(machineUuid, context);
  if (facts !== null) {
    context.crash('remove-machine/before-stop');
    if (facts.power !== 'OFF') await told(context, 'STOP_MACHINE', () => stop(machineUuid, context));
    context.crash('remove-machine/stopped');
    await hypervisor.machines.undefine(machineUuid);
  }
  context.crash('remove-machine/undefined');
  return { verb: 'remove-machine' };
}

/** A transient machine that has stopped is no more. */
async function stop(uuid: string, context: CommandContext): Promise<void> {
  try {
    await context.hypervisor.stop(uuid);
  } catch (error) {
    if (!(error instanceof CommandProblem) || error.code !== 'NOT_FOUND') throw error;
  }
}

async function lookFor(uuid: string, { hypervisor }: CommandContext): Promise<MachineFacts | null> {
  try {
    return await hypervisor.describeMachine(uuid);
  } catch (error) {
    if (error instanceof CommandProblem && error.code === 'NOT_FOUND') return null;
    throw error;
  }
}
