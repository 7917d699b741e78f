import { virtioDiskXml } from '../../definition/virtio-disk.js';
import { CommandProblem } from '../../failure.js';
import type { CommandContext } from '../context.js';
import { requireChain } from '../expected-chain.js';
import { requireNoJob } from '../require-idle.js';
import { isWrittenNow, machinesOfHost, whoIsOn } from '../who-has.js';
import type { DiskChange } from './change-disk.js';

/** Attaches the disk where it is missing, in one call: libvirt changes the running machine first, and both or neither. */
export async function attachDisk(change: DiskChange, context: CommandContext): Promise<void> {
  const { disk, headPath, view, missing, volumeId } = change;
  const { facts, inactiveXml } = view;
  await requireChain(disk.target, disk.chain);
  await requireFree(change, context);
  if (missing.live) await requireNoJob(context.hypervisor, view);
  const format = disk.chain[0]?.format ?? 'qcow2';
  const xml = virtioDiskXml({ volumeId, target: disk.target, path: headPath, format, likeXml: facts.liveXml ?? inactiveXml });
  await context.note('attaching', { target: disk.target });
  context.crash('change-disk/before-live');
  try {
    await context.hypervisor.machines.attachDisk(facts.uuid, xml, missing);
  } catch (error) {
    throw error instanceof CommandProblem && /no more available pci slots|no free pci/i.test(error.message)
      ? noSlot(facts.uuid, error)
      : error;
  }
}

/** No other disk of this host and no process has the head; QEMU's own lock would refuse later, and only while the other one runs. */
async function requireFree({ disk, headPath, view, missing }: DiskChange, { hypervisor }: CommandContext): Promise<void> {
  if (!/^vd[a-z]+$/.test(disk.target)) {
    throw new CommandProblem({
      code: 'CAPABILITY_DISABLED',
      message: `Disk ${disk.target} is no virtio disk (vda, vdb, …). Nothing was changed.`,
    });
  }
  const { uuid } = view.facts;
  const others = (await machinesOfHost(hypervisor)).filter((machine) => machine.uuid !== uuid);
  const holder = await whoIsOn(others, new Set([headPath]));
  if (holder !== null) throw taken(headPath, `machine ${holder.machineUuid} has it as disk ${holder.target}`);
  const isOwn = [view.inForce, view.inactive]
    .flatMap(({ disks }) => disks)
    .find(({ target, file }) => target !== disk.target && file === headPath);
  if (isOwn !== undefined) throw taken(headPath, `this machine has it as disk ${isOwn.target}`);
  const isRunning = view.facts.liveXml !== null;
  if (isRunning && !missing.live) return;
  if (await isWrittenNow(headPath, disk.chain[0]?.format ?? 'qcow2')) throw taken(headPath, 'a running process writes it');
}

function taken(path: string, by: string): CommandProblem {
  return new CommandProblem({
    code: 'MACHINE_BUSY',
    message: `${path} cannot be attached: ${by}. Nothing was changed.`,
    hint: 'Detach it there first, or let that machine be reconciled.',
  });
}

function noSlot(uuid: string, cause: CommandProblem): CommandProblem {
  return new CommandProblem({
    code: 'MACHINE_STATE',
    message: `Machine ${uuid} has no free PCI slot for another disk. Nothing was changed.`,
    hint: 'Stop the machine and try again (a stopped one of type q35 is given more slots), or detach a device.',
    cause,
  });
}
