import { CommandProblem } from '../../failure.js';
import { unavailable } from '../../guest/freeze-guest.js';
import { hasOwnClusters, readImage } from '../../hypervisor/qemu-storage/image-file.js';
import { ImageProblem } from '../../hypervisor/qemu-storage/qcow2-header.js';
import { backingPathOf, imageRefused } from '../../hypervisor/qemu-storage/walk-chain.js';
import type { CommandContext } from '../context.js';
import { type ExpectedVolume, fileOfDisk, requireChain } from '../expected-chain.js';
import { drifted, type MachineView } from '../machine-view.js';
import { requireNoJob, requirePower } from '../require-idle.js';
import type { FreezePlan } from './freeze-layers.js';

/** Throws unless everything is as the planner saw it. Cheap checks first; nothing is changed. */
export async function requireReady(plan: FreezePlan, view: MachineView, context: CommandContext): Promise<void> {
  requirePower(view, plan.body.power);
  requireNoManagedSave(view);
  if (plan.body.quiesce !== null) requireAgent(view);
  for (const volume of plan.volumes) {
    await requirePersistentSource(view, volume);
    await requireOverlay(volume, await requireChain(volume.target, volume.chain));
  }
  await requireNoJob(context.hypervisor, view);
}

/** A managed save holds the old disks: `start` would run them whatever the definition says (kvm.md §4.1). */
function requireNoManagedSave({ facts }: MachineView): void {
  if (facts.power === 'OFF' && facts.hasManagedSave) {
    throw new CommandProblem({
      code: 'MACHINE_STATE',
      message: `Machine ${facts.uuid} has a managed save image, which names its present disks. Nothing was changed.`,
      hint: 'Start the machine, or remove the image (virsh managedsave-remove), then try again.',
    });
  }
}

function requireAgent({ facts, inForce }: MachineView): void {
  if (facts.power === 'OFF') return;
  if (facts.power === 'PAUSED') throw unavailable('The machine is paused, so its guest agent cannot freeze anything');
  if (inForce.guestAgent === 'NOT_CONFIGURED') throw unavailable('The machine has no channel for a guest agent');
  if (inForce.guestAgent === 'DISCONNECTED') throw unavailable('The guest agent is not running in the guest');
}

/** A disk that was attached to the running machine only has no persistent source to differ. */
async function requirePersistentSource({ inactive }: MachineView, { target, chain }: ExpectedVolume): Promise<void> {
  const file = await fileOfDisk(inactive, target);
  if (file !== null && file !== chain[0]?.path)
    throw drifted(`The persistent definition has disk ${target} on ${file}, the running machine does not.`);
}

async function requireOverlay({ newPath }: ExpectedVolume, chain: Awaited<ReturnType<typeof requireChain>>): Promise<void> {
  try {
    const overlay = await readImage(newPath, 'qcow2');
    const head = chain[0];
    if (head === undefined) throw new ImageProblem('the chain below it is empty');
    const backing = await backingPathOf(overlay);
    const backingFormat = overlay.header?.backingFormat ?? 'no format';
    if (backing !== head.path || backingFormat !== head.format)
      throw imageRefused(newPath, `its backing is ${backing ?? 'nothing'} (${backingFormat})`);
    if (overlay.virtualBytes !== head.virtualBytes)
      throw imageRefused(newPath, `it has ${overlay.virtualBytes} bytes and the disk has ${head.virtualBytes}`);
    if (await hasOwnClusters(newPath)) throw imageRefused(newPath, 'it is not empty');
  } catch (error) {
    if (error instanceof ImageProblem) throw imageRefused(newPath, error.message, error);
    throw error;
  }
}
