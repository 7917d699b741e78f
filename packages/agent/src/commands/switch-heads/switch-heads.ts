/**
 * switch-heads: a revert. The machine is stopped, defined anew on layers that are there already, and goes on from saved memory, or is
 * started, or stays off (kvm.md §4). One `define` is the switch:
 *
 *   checked ──note before──▶ stopped ──define──▶ switched ──▶ managed save dropped, NVRAM put back ──▶ runs, or stays off
 *      │ refused: nothing done   │ failed: started again            │ failed, heads empty: old definition, started again
 *
 * A repeat looks first: the definition names the new heads → goes on behind the switch; it gave up → goes on giving up; else from the start.
 * Must never start a machine on a layer that a snapshot keeps, and never restore memory over heads that hold data.
 */
import type { CommandResult } from '@coppice/protocol';
import { withSources } from '../../definition/domain-xml.js';
import { HypervisorLost } from '../../failure.js';
import { type CommandContext, notesOf, told } from '../context.js';
import { type MachineView, viewMachine } from '../machine-view.js';
import { giveUp, hasGivenUp } from './give-up.js';
import { dropKeptNvram } from './nvram.js';
import { requireSwitchable } from './require-switchable.js';
import { resultOf } from './result-of.js';
import { runAgain } from './run-again.js';
import { isSwitched, noteBefore, notedBefore, planSwitch, type SwitchPlan } from './switch-plan.js';

/** See the file's head. Throws CommandProblem with the machine as it was, or HypervisorLost: then it has to be called again. */
export async function switchHeads(body: SwitchPlan['body'], context: CommandContext): Promise<CommandResult> {
  const plan = await planSwitch(body, context.pools);
  if (hasGivenUp(context)) return giveUp(plan, context);
  const view = await viewMachine(context.hypervisor, body.machineUuid);
  if (await isSwitched(plan, view.inactive, context)) await noteWhatIsLost(plan, view, context);
  else await switchDefinition(plan, view, context);
  if (notesOf(context, 'defined').length === 0) await context.note('defined', { at: context.now().toISOString() });
  await runAgain(plan, context);
  const result = await told(context, 'VERIFY_CHAIN', () => resultOf(plan, context));
  await dropKeptNvram(context);
  context.crash('switch-heads/before-finished-record');
  return result;
}

async function switchDefinition(plan: SwitchPlan, view: MachineView, context: CommandContext): Promise<void> {
  let definition: string | null = null;
  if (notedBefore(context) === null) {
    definition = await requireSwitchable(plan, view, context);
    await noteBefore({ power: plan.body.power, inactiveXml: view.inactiveXml, liveXml: view.facts.migratableXml }, context);
  }
  try {
    definition ??= await requireSwitchable(plan, view, context);
    await stop(plan, view, context);
    await define(plan, definition, context);
  } catch (error) {
    if (error instanceof HypervisorLost) throw error;
    const after = await viewMachine(context.hypervisor, plan.body.machineUuid);
    if (!(await isSwitched(plan, after.inactive, context))) await giveUp(plan, context, error);
    context.log.error({ err: error }, 'libvirt reported a failure, and the definition is switched all the same');
  }
}

/** Another command switched it and could not end: what the machine was before is known from what the planner saw of it, and no better. */
async function noteWhatIsLost(
  { body, before }: SwitchPlan,
  { inactiveXml, inactive }: MachineView,
  context: CommandContext,
): Promise<void> {
  if (notedBefore(context) !== null) return;
  context.log.error({ machineUuid: body.machineUuid }, 'the definition names the new layers already, and this command did not switch it');
  const known = before.filter(({ target }) => inactive.disks.some((disk) => disk.target === target));
  const sources = new Map(known.map(({ target, path, format }) => [target, { path, format }]));
  await noteBefore({ power: body.power, inactiveXml: withSources(inactiveXml, sources), liveXml: null }, context);
}

async function stop({ body }: SwitchPlan, { facts }: MachineView, context: CommandContext): Promise<void> {
  context.crash('switch-heads/before-stop');
  if (facts.power !== 'OFF') await told(context, 'STOP_MACHINE', () => context.hypervisor.stop(body.machineUuid));
  context.crash('switch-heads/after-stop');
}

async function define({ volumes }: SwitchPlan, definition: string, context: CommandContext): Promise<void> {
  const tell = (state: 'RUNNING' | 'SUCCEEDED') => {
    for (const { target } of volumes) context.progress('SWITCH_HEAD', state, target);
  };
  tell('RUNNING');
  await told(context, 'RESTORE_DEFINITION', () => context.hypervisor.define(definition));
  context.crash('switch-heads/after-define');
  tell('SUCCEEDED');
}
