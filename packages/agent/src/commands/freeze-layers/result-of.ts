import type { CommandResult } from '@coppice/protocol';
import { machineDefinitionOf } from '../../definition/machine-definition.js';
import { copyDurably, sealFile } from '../../hypervisor/qemu-storage/copy-durably.js';
import { readImage } from '../../hypervisor/qemu-storage/image-file.js';
import { ImageProblem } from '../../hypervisor/qemu-storage/qcow2-header.js';
import type { CommandContext } from '../context.js';
import { fileOfDisk, requireChain } from '../expected-chain.js';
import { drifted, type MachineView, viewMachine } from '../machine-view.js';
import type { FreezePlan } from './freeze-layers.js';
import { isSwitchedBehindLibvirt } from './read-switched.js';
import { actionOf, type Switched } from './switch-to-overlays.js';

type FreezeResult = Extract<CommandResult, { verb: 'freeze-layers' }>;

/**
 * The result, after a look at machine, definition and disk: only what was seen is reported. Throws MACHINE_DRIFTED if it is not as planned.
 */
export async function resultOf(
  plan: FreezePlan,
  before: MachineView,
  { switched, context }: { switched: Switched; context: CommandContext },
): Promise<FreezeResult> {
  const after = await viewMachine(context.hypervisor, plan.body.machineUuid);
  if ((await actionOf(plan.volumes, after.inForce)) !== 'all-switched') await requireSwitchedBehindLibvirt(plan, after, context);
  const volumes: FreezeResult['volumes'] = [];
  for (const { volumeId, target, newPath, newFileName, chain } of plan.volumes) {
    const persistent = await fileOfDisk(after.inactive, target);
    if (persistent !== null && persistent !== newPath)
      throw drifted(`The persistent definition still has disk ${target} on ${persistent}.`);
    const [head, frozen] = await requireChain(target, [{ path: newPath, format: 'qcow2' }, ...chain]);
    volumes.push({
      volumeId,
      frozen: { fileName: chain[0]?.fileName ?? '', allocatedBytes: frozen?.allocatedBytes ?? 0 },
      head: { fileName: newFileName, allocatedBytes: head?.allocatedBytes ?? 0 },
    });
  }
  const definition = definitionBefore(plan, before);
  return {
    verb: 'freeze-layers',
    ...(await keptWith(plan, switched, context)),
    definition,
    hasNvram: await copyNvram(plan, before, context),
    volumes,
  };
}

/** The memory is sealed, or was lost with a save that failed at its very end: then the disks are what a crash leaves. */
async function keptWith(
  { memoryPath }: FreezePlan,
  switched: Switched,
  context: CommandContext,
): Promise<Switched & { memoryBytes: number | null }> {
  if (memoryPath === null || switched.consistency !== 'MEMORY') return { ...switched, memoryBytes: null };
  if (await isThere(memoryPath)) return { ...switched, memoryBytes: await sealFile(memoryPath) };
  context.log.error({ memoryPath }, 'the disks are switched and the memory is not there: the snapshot is crash-consistent');
  return { ...switched, consistency: 'CRASH', memoryBytes: null };
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await readImage(path, 'raw')).virtualBytes > 0;
  } catch (error) {
    if (error instanceof ImageProblem) return false;
    throw error;
  }
}

/** False where the machine has no UEFI variables, or was never started and so has none yet. */
async function copyNvram({ nvramCopy }: FreezePlan, { inForce }: MachineView, context: CommandContext): Promise<boolean> {
  if (nvramCopy === null || inForce.nvramPath === null) return false;
  const isCopied = await copyDurably(inForce.nvramPath, nvramCopy);
  if (!isCopied) context.log.warn({ path: inForce.nvramPath }, 'the NVRAM that the definition names is not there');
  return isCopied;
}

/** The guest writes the new layers and the definition names them; the live view lags until the machine is stopped and started, and is drift. */
async function requireSwitchedBehindLibvirt(plan: FreezePlan, after: MachineView, context: CommandContext): Promise<void> {
  if (!(await isSwitchedBehindLibvirt(plan, after, context))) throw drifted('The machine is not on its new layers.');
  context.log.error(
    { machineUuid: plan.body.machineUuid },
    'QEMU writes the new layers and libvirt believes the old ones: stop and start the machine',
  );
}

/** With the sources of before, whether `before` was seen before the switch or, in a repeat, after it. */
function definitionBefore({ volumes }: FreezePlan, { facts, inactiveXml }: MachineView): FreezeResult['definition'] {
  const heads = volumes.flatMap(({ target, chain }) => (chain[0] === undefined ? [] : [[target, chain[0]] as const]));
  return machineDefinitionOf({ inactiveXml, liveXml: facts.migratableXml }, new Map(heads));
}
