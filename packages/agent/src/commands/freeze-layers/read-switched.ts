import { readEvidence } from '../../guest/read-evidence.js';
import { evidencePath } from '../../guest/thaw-evidence.js';
import { hasOwnClusters } from '../../hypervisor/qemu-storage/image-file.js';
import { ImageProblem } from '../../hypervisor/qemu-storage/qcow2-header.js';
import { type CommandContext, notesOf } from '../context.js';
import type { ExpectedVolume } from '../expected-chain.js';
import { drifted, type MachineView } from '../machine-view.js';
import type { FreezePlan } from './freeze-layers.js';
import { actionOf, type Switched } from './switch-to-overlays.js';

/**
 * What an earlier try of this command achieved, if the machine has been switched; null if it has not. Throws MACHINE_DRIFTED for half of
 * it.
 */
export async function readSwitched(plan: FreezePlan, view: MachineView, context: CommandContext): Promise<Switched | null> {
  const state = await actionOf(plan.volumes, view.inForce);
  const isSwitched =
    state === 'all-switched' ||
    (context.isRepeat && view.facts.power === 'OFF' && (await isSwitchedWhileOff(plan, state, context))) ||
    (context.isRepeat && state === 'none-switched' && (await isSwitchedBehindLibvirt(plan, view, context)));
  if (!isSwitched) {
    if (state === 'mixed') throw drifted('Some disks are on their new layers and some are not.');
    return null;
  }
  return notedSwitch(context) ?? inferredSwitch(plan, context);
}

/**
 * A libvirtd that was killed inside the transaction may go on to believe the old files while QEMU writes the new ones (lab.md, t-race 4).
 * The transaction is all or nothing, so one new head means that all are; what QEMU does not say is not taken for switched.
 */
export async function isSwitchedBehindLibvirt({ body, volumes }: FreezePlan, view: MachineView, context: CommandContext): Promise<boolean> {
  if (view.facts.power === 'OFF' || view.facts.power === 'UNKNOWN') return false;
  const written = new Set(await context.hypervisor.writtenFiles(body.machineUuid));
  return volumes.every(({ newPath }) => written.has(newPath));
}

/**
 * A machine that was switched while it ran and stopped since may have a definition that names the old files (lab.md, t-race 2). It was
 * switched if the journal says so, if any disk is on its new layer, or if any overlay holds data: only the machine can have written it.
 */
async function isSwitchedWhileOff(plan: FreezePlan, state: string, context: CommandContext): Promise<boolean> {
  if (state === 'mixed' || notesOf(context, 'switched').length > 0) return true;
  const holdData = await Promise.all(plan.volumes.map(holdsData));
  return holdData.includes(true);
}

async function holdsData({ newPath }: ExpectedVolume): Promise<boolean> {
  try {
    return await hasOwnClusters(newPath);
  } catch (error) {
    if (error instanceof ImageProblem) return false;
    throw error;
  }
}

function notedSwitch(context: CommandContext): Switched | null {
  const detail = notesOf(context, 'switched').at(-1)?.detail;
  if (detail === undefined) return null;
  const { consistency, frozenAt, quiescedMs } = detail;
  return {
    consistency: consistency === 'FILESYSTEM' || consistency === 'OFFLINE' || consistency === 'MEMORY' ? consistency : 'CRASH',
    frozenAt: frozenAt ?? context.now().toISOString(),
    quiescedMs: quiescedMs === undefined || quiescedMs === '' ? null : Number(quiescedMs),
  };
}

/**
 * The agent died between the switch and its note. Stopped machines are consistent in any case. For a quiesce the thaw's evidence decides:
 * the new heads were in use just before a thaw that found frozen file systems. Without it the honest word is CRASH.
 */
function inferredSwitch({ body, volumes, memoryPath }: FreezePlan, context: CommandContext): Switched {
  const frozenAt = context.now().toISOString();
  if (body.power === 'OFF') return { consistency: 'OFFLINE', frozenAt, quiescedMs: null };
  // libvirt switches the disks only after the memory is whole.
  if (memoryPath !== null) return { consistency: 'MEMORY', frozenAt, quiescedMs: null };
  const evidence = body.quiesce === null ? null : readEvidence(evidencePath(context.stateDir, context.command.id));
  const stoodStill =
    evidence !== null && evidence.thawed > 0 && volumes.every(({ target, newPath }) => evidence.sources[target] === newPath);
  return { consistency: stoodStill ? 'FILESYSTEM' : 'CRASH', frozenAt, quiescedMs: null };
}
