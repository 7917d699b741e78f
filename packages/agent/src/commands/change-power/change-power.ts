/**
 * change-power: starts a machine, or stops it. Must never start a machine on other layers than the recorded heads, whatever its definition or
 * its managed save image says, nor drop a managed save: one that fits the disks is what libvirt starts from, one that does not is drift.
 *
 *            ON                                      OFF
 *   on       success                                 ask the guest and wait, or stop
 *   paused   goes on                                 stop; the guest cannot be asked
 *   off      check disks and managed save, start     success
 *   between  MACHINE_STATE                           wait, or stop
 */
import type { CommandResult } from '@coppice/protocol';
import { withSources } from '../../definition/domain-xml.js';
import { CommandProblem } from '../../failure.js';
import type { MachineFacts } from '../../hypervisor/port.js';
import { type CommandContext, told } from '../context.js';
import { type ExpectedDisk, expectDisks, requireDisks } from '../expected-disks.js';
import { type MachineView, viewAnyMachine, viewMachine } from '../machine-view.js';
import { requireNoJob } from '../require-idle.js';
import { requireFittingManagedSave } from './require-fitting-managed-save.js';
import { untilOff } from './until-off.js';

type Body = Extract<CommandContext['command']['body'], { verb: 'change-power' }>;

/** See the file's head. */
export async function changePower(body: Body, context: CommandContext): Promise<CommandResult> {
  // A drifted machine, too, can be stopped: it writes less then.
  const look = body.to === 'ON' ? viewMachine : viewAnyMachine;
  const view = await look(context.hypervisor, body.machineUuid);
  const disks = await expectDisks(context.pools, body.disks);
  if (body.to === 'ON') await switchOn(view, disks, context);
  else await switchOff(view, { body, disks }, context);
  context.crash('change-power/after-act');
  const after = await look(context.hypervisor, body.machineUuid);
  if (body.to === 'ON') await requireDisks(after, disks);
  return { verb: 'change-power', power: settled(after.facts) };
}

async function switchOn(view: MachineView, disks: readonly ExpectedDisk[], context: CommandContext): Promise<void> {
  const { facts } = view;
  if (facts.power === 'UNKNOWN') throw betweenStates(facts.uuid);
  await requireDisks(view, disks);
  if (facts.power === 'ON') return;
  if (facts.power === 'PAUSED') {
    await requireNoJob(context.hypervisor, view);
    context.crash('change-power/before-act');
    await told(context, 'START_MACHINE', () => context.hypervisor.machines.resume(facts.uuid));
    return;
  }
  if (facts.hasManagedSave) await requireFittingManagedSave(view, disks, context);
  // libvirt believes a chain that a definition states and reads no header: one from before a merge would show other data (kvm.md §3).
  else if (view.inactiveXml.includes('<backingStore')) await context.hypervisor.define(withSources(view.inactiveXml, new Map()));
  await context.note('starting', {});
  context.crash('change-power/before-act');
  await told(context, 'START_MACHINE', () => context.hypervisor.start(facts.uuid, { hasSavedMemory: facts.hasManagedSave }));
}

interface SwitchOff {
  readonly body: Body;
  readonly disks: readonly ExpectedDisk[];
}

async function switchOff(view: MachineView, { body, disks }: SwitchOff, context: CommandContext): Promise<void> {
  const { facts } = view;
  if (facts.power === 'OFF') return;
  await requireDisks(view, disks);
  await context.note('stopping', { force: String(body.force) });
  context.crash('change-power/before-act');
  if (body.force) {
    // Whatever job is at work: whoever stops by force wants it stopped, and a cut ends every job without harm to the disks.
    await told(context, 'STOP_MACHINE', () => context.hypervisor.stop(facts.uuid));
    return;
  }
  if (facts.power === 'PAUSED') {
    throw new CommandProblem({
      code: 'MACHINE_STATE',
      message: `Machine ${facts.uuid} is paused, so its guest cannot shut down. Nothing was changed.`,
      hint: 'Let it go on (start), or stop it by force.',
    });
  }
  await requireNoJob(context.hypervisor, view);
  await told(context, 'STOP_MACHINE', () => untilOff(facts, body.deadlineMs, context));
}

function settled({ power, uuid }: MachineFacts): 'ON' | 'PAUSED' | 'OFF' {
  if (power === 'UNKNOWN') throw betweenStates(uuid);
  return power;
}

function betweenStates(uuid: string): CommandProblem {
  return new CommandProblem({
    code: 'MACHINE_STATE',
    retryable: true,
    message: `Machine ${uuid} is between two states. Nothing was changed.`,
    hint: 'Try again when it has settled.',
  });
}
