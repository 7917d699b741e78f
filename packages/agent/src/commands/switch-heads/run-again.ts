import { composeLiveDefinition } from '../../definition/compose-definition.js';
import { CommandProblem } from '../../failure.js';
import type { MachineFacts } from '../../hypervisor/port.js';
import { type CommandContext, notesOf, told } from '../context.js';
import { type MachineView, viewMachine } from '../machine-view.js';
import { giveUp } from './give-up.js';
import { putNvram } from './nvram.js';
import { holdsData } from './require-switchable.js';
import { newHeadsOf, type SwitchPlan } from './switch-plan.js';

/**
 * What comes behind the switched definition, by what the machine does:
 *
 *   runs                       → nothing: it was started or restored already
 *   paused, heads empty        → a restore that libvirt's death cut off: stopped, then as when off
 *   off, a head holds data     → nothing: it ran and is off again; memory over such heads would be another machine's
 *   off, heads empty           → managed save dropped, NVRAM put back, then memory restored, or started if asked
 */
export async function runAgain(plan: SwitchPlan, context: CommandContext): Promise<void> {
  const { hypervisor } = context;
  const { machineUuid, memory, start } = plan.body;
  const view = await viewMachine(hypervisor, machineUuid);
  if (notesOf(context, 'running').length > 0 || view.facts.power === 'ON') return;
  if (await isAnyHeadWritten(plan)) return;
  if (view.facts.power !== 'OFF') {
    if (memory === null) return;
    await told(context, 'STOP_MACHINE', () => hypervisor.stop(machineUuid));
  }
  try {
    await dropManagedSave(view.facts, context);
    await putNvram(plan, view, context);
    context.crash('switch-heads/after-managed-save');
    if (memory !== null) await told(context, 'RESTORE_MEMORY', () => restore(plan, view, context));
    else if (start) await told(context, 'START_MACHINE', () => hypervisor.start(machineUuid));
    else return;
  } catch (error) {
    if (!(error instanceof CommandProblem)) throw error;
    await forgiveOrGiveUp(plan, context, error);
  }
  context.crash('switch-heads/after-restore');
  await context.note('running', {});
}

/** libvirt would start from it, on the disks that it names, whatever the definition says (kvm.md §4.1). */
async function dropManagedSave({ uuid, hasManagedSave }: MachineFacts, context: CommandContext): Promise<void> {
  if (hasManagedSave) await told(context, 'DISCARD_SAVED_STATE', () => context.hypervisor.removeManagedSave(uuid));
}

async function restore(plan: SwitchPlan, view: MachineView, context: CommandContext): Promise<void> {
  const { memory, keptTargets } = plan.body;
  if (memory === null || plan.memoryPath === null) throw new Error('there is no memory to restore');
  const composition = { recordedXml: memory.liveXml, presentXml: view.inactiveXml, sources: newHeadsOf(plan), keptTargets };
  await context.hypervisor.restoreMemory({ path: plan.memoryPath, xml: composeLiveDefinition(composition), isPaused: false });
}

/** libvirt may fail a call whose work is done; and what the guest has written since is not taken back. */
async function forgiveOrGiveUp(plan: SwitchPlan, context: CommandContext, error: CommandProblem): Promise<void> {
  const { facts } = await viewMachine(context.hypervisor, plan.body.machineUuid);
  if (facts.power === 'OFF' && !(await isAnyHeadWritten(plan))) await giveUp(plan, context, error);
  context.log.error({ err: error, power: facts.power }, 'the machine has run on its new layers in spite of an error');
}

async function isAnyHeadWritten({ volumes }: SwitchPlan): Promise<boolean> {
  for (const { newPath } of volumes) if (await holdsData(newPath)) return true;
  return false;
}
