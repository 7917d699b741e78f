import type { CommandBody } from '@coppice/protocol';
import { CommandProblem } from '../failure.js';
import type { Hypervisor } from '../hypervisor/port.js';
import type { MachineView } from './machine-view.js';

type PlannedPower = Extract<CommandBody, { verb: 'switch-heads' }>['power'];

/** Throws MACHINE_STATE unless the machine is in the state that the plan was made for. */
export function requirePower({ facts }: MachineView, planned: PlannedPower): void {
  if (facts.power === planned) return;
  const words = { ON: 'running', PAUSED: 'paused', OFF: 'off', UNKNOWN: 'between two states' } as const;
  throw new CommandProblem({
    code: 'MACHINE_STATE',
    retryable: true,
    message: `Machine ${facts.uuid} is ${words[facts.power]}, and the plan was made for one that is ${words[planned]}. Nothing was changed.`,
    hint: 'Try again: the new plan is made for the state that it has then.',
  });
}

/** Beside a job libvirt would make a change wait 30 s for its lock (kvm.md §7), and a stop would end the job half-way. */
export async function requireNoJob(hypervisor: Hypervisor, { facts, inForce }: MachineView): Promise<void> {
  if (facts.power === 'OFF') return;
  const targets = inForce.disks.filter(({ file }) => file !== null).map(({ target }) => target);
  const job = await hypervisor.busyWith(facts.uuid, targets);
  if (job === null) return;
  throw new CommandProblem({
    code: 'MACHINE_BUSY',
    retryable: true,
    message: `Machine ${facts.uuid} is busy with ${job}. Nothing was changed.`,
    hint: 'Try again when it has ended.',
  });
}
