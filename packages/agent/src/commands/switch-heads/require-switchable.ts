import { composeDefinition, composeLiveDefinition } from '../../definition/compose-definition.js';
import { withSources } from '../../definition/domain-xml.js';
import { CommandProblem } from '../../failure.js';
import { hasOwnClusters, readImage } from '../../hypervisor/qemu-storage/image-file.js';
import { ImageProblem } from '../../hypervisor/qemu-storage/qcow2-header.js';
import { imageRefused } from '../../hypervisor/qemu-storage/walk-chain.js';
import type { CommandContext } from '../context.js';
import { type ExpectedVolume, fileOfDisk, requireChain } from '../expected-chain.js';
import { drifted, type MachineView } from '../machine-view.js';
import { requireNoJob, requirePower } from '../require-idle.js';
import { newHeadsOf, notedBefore, type SwitchPlan } from './switch-plan.js';

/** Throws unless the machine is as the planner saw it and all that it is to become is there; changes nothing. Returns the definition to define. */
export async function requireSwitchable(plan: SwitchPlan, view: MachineView, context: CommandContext): Promise<string> {
  const { facts } = view;
  const isStoppedByUs = notedBefore(context) !== null && facts.power === 'OFF';
  if (!isStoppedByUs) requirePower(view, plan.body.power);
  for (const disk of plan.before) await requireOn(disk, view, isStoppedByUs);
  requireNamed(plan, view);
  await requireNoJob(context.hypervisor, view);
  for (const volume of plan.volumes) await requireNewHead(volume);
  for (const path of [plan.memoryPath, plan.nvramCopy]) if (path !== null) await requireFile(path);
  return composed(plan, view);
}

/**
 * The disk is on its recorded head, in both definitions. One that was attached to the running machine only is in the live one; after the
 * stop it is in none.
 */
async function requireOn({ target, path }: SwitchPlan['before'][number], view: MachineView, isStoppedByUs: boolean): Promise<void> {
  const persistent = await fileOfDisk(view.inactive, target);
  if (persistent !== null && persistent !== path)
    throw drifted(`The persistent definition has disk ${target} on ${persistent}, not on ${path}.`);
  if (isStoppedByUs) return;
  const file = await fileOfDisk(view.inForce, target);
  if (file !== path) throw drifted(`Disk ${target} is on ${file ?? 'no file'}, not on ${path}.`);
}

/** A disk that nobody named would silently be gone with the recorded definition. */
function requireNamed({ body }: SwitchPlan, { inactive }: MachineView): void {
  if (body.inactiveXml === null) return;
  const named = new Set([...body.before.map(({ target }) => target), ...body.keptTargets]);
  const strange = inactive.disks.find((disk) => disk.device === 'disk' && !disk.isReadOnly && !named.has(disk.target));
  if (strange !== undefined) throw drifted(`The machine has a disk ${strange.target} (${strange.file ?? 'no file'}) that is not recorded.`);
}

/** The chain is the expected one, and nothing was ever written over it: what the guest is to see is what the snapshot keeps. */
async function requireNewHead({ target, newPath, chain }: ExpectedVolume): Promise<void> {
  if (chain[0]?.path !== newPath) throw new Error(`the chain of ${target} does not begin with ${newPath}`);
  await requireChain(target, chain);
  if (await holdsData(newPath)) throw imageRefused(newPath, 'it is not empty');
}

/** Whether anything was written into this overlay. Throws IMAGE_REFUSED if it cannot be read. */
export async function holdsData(path: string): Promise<boolean> {
  try {
    return await hasOwnClusters(path);
  } catch (error) {
    if (error instanceof ImageProblem) throw imageRefused(path, error.message, error);
    throw error;
  }
}

async function requireFile(path: string): Promise<void> {
  try {
    const { virtualBytes } = await readImage(path, 'raw');
    if (virtualBytes === 0) throw new ImageProblem('it is empty');
  } catch (error) {
    if (!(error instanceof ImageProblem)) throw error;
    throw notRevertible(`${path}: ${error.message}`, error);
  }
}

function composed(plan: SwitchPlan, { inactiveXml: presentXml }: MachineView): string {
  const sources = newHeadsOf(plan);
  const { inactiveXml, keptTargets, memory } = plan.body;
  try {
    if (memory !== null) composeLiveDefinition({ recordedXml: memory.liveXml, presentXml, sources, keptTargets });
    if (inactiveXml === null) return withSources(presentXml, sources);
    return composeDefinition({ recordedXml: inactiveXml, presentXml, sources, keptTargets });
  } catch (error) {
    throw notRevertible(error instanceof Error ? error.message : String(error), error);
  }
}

function notRevertible(problem: string, cause: unknown): CommandProblem {
  return new CommandProblem({
    code: 'NOT_REVERTIBLE',
    message: `The machine cannot be put back: ${problem}. Nothing was changed.`,
    hint: 'Another snapshot may have what this one lacks.',
    cause,
  });
}
