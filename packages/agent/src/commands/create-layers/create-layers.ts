/**
 * create-layers: makes empty overlays over heads, or over frozen layers that a revert branches off, before anything else happens (kvm.md §2.1). Must never write into a file that it did
 * not make, and never open a head: a machine may be writing it.
 */
import type { CommandResult } from '@coppice/protocol';
import { CommandProblem, HypervisorLost } from '../../failure.js';
import { removeFile, takeName, writeOverlay } from '../../hypervisor/qemu-storage/create-overlay.js';
import { hasOwnClusters, type ImageFile, readImage } from '../../hypervisor/qemu-storage/image-file.js';
import { ImageProblem } from '../../hypervisor/qemu-storage/qcow2-header.js';
import { type CommandContext, notesOf } from '../context.js';
import { type ExpectedVolume, expectVolume, fileOfDisk, requireChain } from '../expected-chain.js';
import { drifted, type MachineView, viewMachine } from '../machine-view.js';
import { isWrittenNow, machinesOfHost, whoIsOn } from '../who-has.js';

type Body = Extract<CommandContext['command']['body'], { verb: 'create-layers' }>;

/** A new overlay takes header, refcounts and L1: four clusters, of 2 MiB at most. */
const BYTES_PER_OVERLAY = 8 * 1024 * 1024;

interface Overlay {
  readonly volume: ExpectedVolume;
  readonly backing: ImageFile;
  readonly virtualBytes: number;
}

/** Makes all overlays, or none: on a failure those that this command made are removed. */
export async function createLayers(body: Body, context: CommandContext): Promise<CommandResult> {
  const view = await viewMachine(context.hypervisor, body.machineUuid);
  try {
    const overlays: Overlay[] = [];
    const frozen: ImageFile[] = [];
    for (const { over, virtualBytes, ...rest } of body.volumes) {
      const overlay = await planOverlay(await expectVolume(context.pools, rest));
      if (over === 'FROZEN') frozen.push(overlay.backing);
      else await requireHead(view, overlay, virtualBytes);
      overlays.push(overlay);
    }
    await requireFrozen(context, frozen);
    await requireSpace(context, overlays);
    context.crash('create-layers/before-first-file');
    const layers = [];
    for (const overlay of overlays) {
      layers.push(await makeLayer(context, overlay));
      context.crash('create-layers/after-first-file');
    }
    context.crash('create-layers/before-finished-record');
    return { verb: 'create-layers', layers };
  } catch (error) {
    // After a lost hypervisor the command is run again; every other error is its outcome, and promises that nothing is left.
    if (!(error instanceof HypervisorLost)) await removeMadeFiles(context);
    throw error;
  }
}

/** The layer below is what the machine writes now. */
async function requireHead(view: MachineView, { volume: { target }, backing }: Overlay, virtualBytes: number): Promise<void> {
  const disk = view.inForce.disks.find((candidate) => candidate.target === target);
  if (disk === undefined || disk.device !== 'disk' || disk.isTransient)
    throw drifted(`Machine ${view.facts.uuid} has no disk ${target} that can be frozen.`);
  const file = await fileOfDisk(view.inForce, target);
  if (file !== backing.path) throw drifted(`Disk ${target} is on ${file ?? 'no file'}, not on ${backing.path}.`);
  if (backing.virtualBytes !== virtualBytes) throw drifted(`Disk ${target} has ${backing.virtualBytes} bytes, not ${virtualBytes}.`);
}

/**
 * The layers below are written by nobody: no definition of this host is on one of them, and no process holds one for writing, known to
 * libvirt or not. The machine itself may lack the disk.
 */
async function requireFrozen({ hypervisor }: CommandContext, layers: readonly ImageFile[]): Promise<void> {
  if (layers.length === 0) return;
  const holder = await whoIsOn(await machinesOfHost(hypervisor), new Set(layers.map(({ path }) => path)));
  if (holder !== null)
    throw drifted(`${holder.path} is recorded as frozen, and machine ${holder.machineUuid} has it as disk ${holder.target}.`);
  for (const { path, format } of layers) {
    if (await isWrittenNow(path, format)) throw drifted(`${path} is recorded as frozen, and a process of this host writes it.`);
  }
}

/** The overlay is as large as the layer below it: for a frozen one that is the size that the disk had then. */
async function planOverlay(volume: ExpectedVolume): Promise<Overlay> {
  const [backing] = await requireChain(volume.target, volume.chain);
  if (backing === undefined) throw new Error(`the chain of ${volume.target} is empty`);
  return { volume, backing, virtualBytes: backing.virtualBytes };
}

async function requireSpace(context: CommandContext, overlays: readonly Overlay[]): Promise<void> {
  for (const pool of new Set(overlays.map(({ volume }) => volume.pool))) {
    const inPool = overlays.filter(({ volume }) => volume.pool === pool);
    const { availableBytes } = await context.pools.spaceOf(pool);
    const neededBytes = inPool.length * BYTES_PER_OVERLAY;
    if (availableBytes >= neededBytes) continue;
    throw new CommandProblem({
      code: 'INSUFFICIENT_SPACE',
      retryable: true,
      message: `Pool ${pool} has ${availableBytes} bytes left; ${inPool.length} new layers need ${neededBytes}. Nothing was made.`,
      hint: 'Make room in the pool, then retry.',
    });
  }
}

async function makeLayer(context: CommandContext, overlay: Overlay) {
  const { volumeId, target, newFileName, newPath } = overlay.volume;
  context.progress('CREATE_LAYER', 'RUNNING', target);
  if (!(await isMadeAlready(context, overlay))) {
    if (!(await claimName(context, newPath))) {
      throw notOurs(newPath, 'is there already, and this operation did not make it');
    }
    await writeOverlay({ path: newPath, backing: overlay.backing, virtualBytes: overlay.virtualBytes });
  }
  context.progress('CREATE_LAYER', 'SUCCEEDED', target);
  const { allocatedBytes } = await readImage(newPath, 'qcow2');
  return { volumeId, fileName: newFileName, allocatedBytes };
}

function notOurs(path: string, problem: string): CommandProblem {
  return new CommandProblem({
    code: 'IO_ERROR',
    message: `${path} ${problem}. It was left alone; nothing was changed.`,
    hint: 'Find out whose file it is. A new snapshot takes the next number.',
  });
}

/**
 * A file of an earlier try of this command is kept if it is whole and empty, and half a one is removed. One that holds data is not ours to
 * judge.
 */
async function isMadeAlready(context: CommandContext, { volume, backing, virtualBytes }: Overlay): Promise<boolean> {
  const { newPath } = volume;
  if (!madeFiles(context).includes(newPath)) return false;
  try {
    const { header } = await readImage(newPath, 'qcow2');
    if (await hasOwnClusters(newPath)) throw notOurs(newPath, 'holds data that this operation did not write');
    if (header?.backingName === backing.path && header.virtualBytes === virtualBytes) return true;
  } catch (error) {
    if (!(error instanceof ImageProblem)) throw error;
  }
  await removeFile(newPath);
  return false;
}

/** Journalled after the name was found free and before it is taken: after a crash in between, a file of that name is ours. */
async function claimName(context: CommandContext, path: string): Promise<boolean> {
  if (!madeFiles(context).includes(path)) {
    if (await exists(path)) return false;
    await context.note('making', { path });
  }
  return takeName(path);
}

async function exists(path: string): Promise<boolean> {
  try {
    await readImage(path, 'raw');
    return true;
  } catch (error) {
    if (error instanceof ImageProblem) return error.message !== 'there is no such file';
    throw error;
  }
}

function madeFiles(context: CommandContext): string[] {
  return notesOf(context, 'making').flatMap(({ detail }) => (detail['path'] === undefined ? [] : [detail['path']]));
}

async function removeMadeFiles(context: CommandContext): Promise<void> {
  for (const path of madeFiles(context)) {
    if (await exists(path)) context.log.info({ path, removed: await removeFile(path) }, 'removed an overlay of a command that failed');
  }
}
