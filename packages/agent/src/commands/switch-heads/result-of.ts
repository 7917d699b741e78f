import type { CommandResult } from '@coppice/protocol';
import { machineDefinitionOf } from '../../definition/machine-definition.js';
import { spelledChains } from '../../definition/spelled-chains.js';
import type { MachineFacts } from '../../hypervisor/port.js';
import { type CommandContext, notesOf } from '../context.js';
import { canonicalOrSame, type ExpectedVolume, requireChain } from '../expected-chain.js';
import { drifted, type MachineView, viewMachine } from '../machine-view.js';
import { isSwitched, notedBefore, type SwitchPlan } from './switch-plan.js';

type SwitchResult = Extract<CommandResult, { verb: 'switch-heads' }>;

/** The result, after a look at the machine and its disks: only what was seen is reported. Throws MACHINE_DRIFTED if it is not as planned. */
export async function resultOf(plan: SwitchPlan, context: CommandContext): Promise<SwitchResult> {
  const view = await viewMachine(context.hypervisor, plan.body.machineUuid);
  const { facts, inactive, inactiveXml } = view;
  const before = notedBefore(context);
  if (before === null || !(await isSwitched(plan, inactive, context))) throw drifted('The definition does not name the new layers.');
  const volumes: SwitchResult['volumes'] = [];
  for (const volume of plan.volumes) {
    await requireOpen(volume, view);
    const [head] = await requireChain(volume.target, volume.chain);
    volumes.push({ volumeId: volume.volumeId, allocatedBytes: head?.allocatedBytes ?? 0 });
  }
  return {
    verb: 'switch-heads',
    power: facts.power === 'UNKNOWN' ? unsettled(facts) : facts.power,
    switchedAt: notesOf(context, 'defined').at(-1)?.detail['at'] ?? context.now().toISOString(),
    definition: machineDefinitionOf({ inactiveXml, liveXml: facts.migratableXml }),
    definitionBefore: machineDefinitionOf(before),
    volumes,
  };
}

/** On its way down it is not off yet: its QEMU still has its disks. */
function unsettled({ liveXml }: MachineFacts): 'PAUSED' | 'OFF' {
  return liveXml === null ? 'OFF' : 'PAUSED';
}

/** A machine that runs has opened this very chain, as libvirt tells it. */
async function requireOpen({ target, chain }: ExpectedVolume, { facts }: MachineView): Promise<void> {
  if (facts.liveXml === null) return;
  const open = await Promise.all((spelledChains(facts.liveXml).get(target) ?? []).map((file) => canonicalOrSame(file)));
  const strange = chain.findIndex(({ path }, index) => open[index] !== path);
  if (strange >= 0 || open.length !== chain.length)
    throw drifted(`The running machine has ${open.join(', ') || 'nothing'} open as ${target}, not the chain that it was switched to.`);
}
