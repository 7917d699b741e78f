import { type Definition, type FileSource, snapshotXml, withSources } from '../../definition/domain-xml.js';
import { unavailable } from '../../guest/freeze-guest.js';
import { type CommandContext } from '../context.js';
import { type ExpectedVolume, fileOfDisk } from '../expected-chain.js';
import { isHeldForItsMemory } from '../held-for-its-memory.js';
import { drifted, type MachineView } from '../machine-view.js';
import type { FreezePlan } from './freeze-layers.js';
import { saveMemory } from './save-memory.js';

/** What the switch achieved. `quiescedMs`: how long the guest's file systems stood still; null without, or when nobody knows. */
export interface Switched {
  readonly consistency: 'CRASH' | 'FILESYSTEM' | 'MEMORY' | 'OFFLINE';
  readonly frozenAt: string;
  readonly quiescedMs: number | null;
}

/**
 * Where a definition has the disks: on the layers to be frozen, on the new ones, or some of each. Throws MACHINE_DRIFTED for any third
 * file.
 */
export async function actionOf(
  volumes: readonly ExpectedVolume[],
  definition: Definition,
): Promise<'none-switched' | 'all-switched' | 'mixed'> {
  let switched = 0;
  for (const { target, newPath, chain } of volumes) {
    const file = await fileOfDisk(definition, target);
    if (file === newPath) switched += 1;
    else if (file !== chain[0]?.path)
      throw drifted(`Disk ${target} is on ${file ?? 'no file'}, which is neither the layer to freeze nor the new one.`);
  }
  if (switched === 0) return 'none-switched';
  return switched === volumes.length ? 'all-switched' : 'mixed';
}

/** New heads by target. */
function newHeadsOf(volumes: readonly ExpectedVolume[]): Map<string, string> {
  return new Map(volumes.map(({ target, newPath }) => [target, newPath]));
}

function overlaysOf(volumes: readonly ExpectedVolume[]): Map<string, FileSource> {
  return new Map(volumes.map(({ target, newPath }) => [target, { path: newPath, format: 'qcow2' }]));
}

/** The act itself; everything was checked. */
export async function switchToOverlays(plan: FreezePlan, before: MachineView, context: CommandContext): Promise<Switched> {
  if (before.facts.power === 'OFF') return switchStopped(plan, before, context);
  const { body, volumes } = plan;
  const xml = snapshotXml(before.inForce.disks, newHeadsOf(volumes), plan.memoryPath);
  tellFreeze(plan, context, 'RUNNING');
  const transaction = async () => {
    if (plan.memoryPath === null) await context.hypervisor.takeDiskSnapshot(body.machineUuid, xml);
    else await saveMemory(plan, { xml, isLive: !isHeldForItsMemory(before, context) }, context);
    const frozenAt = context.now().toISOString();
    context.crash('freeze-layers/after-transaction');
    return frozenAt;
  };
  const switched = body.quiesce === null ? unquiesced(plan, await transaction()) : await quiesced(plan, context, transaction);
  context.crash('freeze-layers/after-thaw');
  tellFreeze(plan, context, 'SUCCEEDED');
  return switched;
}

function unquiesced({ memoryPath }: FreezePlan, frozenAt: string): Switched {
  return { consistency: memoryPath === null ? 'CRASH' : 'MEMORY', frozenAt, quiescedMs: null };
}

async function quiesced({ body }: FreezePlan, context: CommandContext, transaction: () => Promise<string>): Promise<Switched> {
  const { quiesce, machineUuid } = body;
  if (quiesce === null) throw unavailable('No quiesce was asked for');
  context.progress('QUIESCE_GUEST', 'RUNNING');
  const { result, quiescedMs, wasFrozenThroughout } = await context.freezer.whileFrozen({
    machineUuid,
    commandId: context.command.id,
    deadlineMs: quiesce.deadlineMs,
    act: transaction,
    beforeFreeze: () => context.crash('freeze-layers/before-freeze'),
    whenFrozen: () => context.crash('freeze-layers/frozen'),
  });
  context.progress('QUIESCE_GUEST', 'SUCCEEDED');
  context.progress('THAW_GUEST', 'SUCCEEDED');
  if (!wasFrozenThroughout)
    context.log.error({ machineUuid, quiescedMs }, 'the file systems did not stand still for the whole transaction: crash-consistent');
  return { consistency: wasFrozenThroughout ? 'FILESYSTEM' : 'CRASH', frozenAt: result, quiescedMs };
}

/** libvirt refuses its own snapshot of a stopped machine that has checkpoints, and one define is atomic (kvm.md §2.2). */
async function switchStopped(plan: FreezePlan, before: MachineView, context: CommandContext): Promise<Switched> {
  tellFreeze(plan, context, 'RUNNING');
  await context.hypervisor.define(withSources(before.inactiveXml, overlaysOf(plan.volumes)));
  context.crash('freeze-layers/after-transaction');
  tellFreeze(plan, context, 'SUCCEEDED');
  return { consistency: 'OFFLINE', frozenAt: context.now().toISOString(), quiescedMs: null };
}

function tellFreeze(plan: FreezePlan, context: CommandContext, state: 'RUNNING' | 'SUCCEEDED'): void {
  for (const { target } of plan.volumes) context.progress('FREEZE_LAYER', state, target);
}
