import type { InventoryDisk, InventoryLayer, InventoryMachine } from '@coppice/protocol';
import { canonicalOrSame, fileOfDisk } from '../commands/expected-chain.js';
import { type DefinedDisk, type Definition, readDefinition } from '../definition/domain-xml.js';
import { CommandProblem } from '../failure.js';
import { type Chain, walkChain } from '../hypervisor/qemu-storage/walk-chain.js';
import type { MachineFacts } from '../hypervisor/port.js';
import type { PoolFolders } from '../pools/pool-folders.js';

/** One machine as the host has it: definition in force, and every chain read by its headers. */
export async function machineInventory(facts: MachineFacts, pools: PoolFolders): Promise<InventoryMachine> {
  const inactive = facts.inactiveXml === null ? null : readDefinition(facts.inactiveXml);
  const live = facts.liveXml === null ? null : readDefinition(facts.liveXml);
  const inForce = live ?? inactive;
  if (inForce === null) throw new Error(`machine ${facts.uuid} has neither a live nor a persistent definition`);
  const disks: InventoryDisk[] = [];
  for (const disk of inForce.disks) {
    if (disk.file !== null) disks.push(await diskInventory(disk, { file: disk.file, inactive: live === null ? null : inactive, pools }));
  }
  return {
    uuid: facts.uuid,
    name: inForce.name,
    power: facts.power,
    persistent: facts.isPersistent,
    autostart: facts.isAutostarted,
    vcpus: inForce.vcpus,
    memoryBytes: inForce.memoryBytes,
    guestAgent: inForce.guestAgent,
    hasManagedSave: facts.hasManagedSave,
    libvirtSnapshots: [...facts.snapshots],
    checkpoints: [...facts.checkpoints],
    disks,
  };
}

/** Bound of the protocol's `problem`. */
const MAX_PROBLEM = 1000;

type Around = { file: string; inactive: Definition | null; pools: PoolFolders };

async function diskInventory(disk: DefinedDisk, { file, inactive, pools }: Around): Promise<InventoryDisk> {
  const { layers, problem } = await readChain(file, disk.format);
  const chain: InventoryLayer[] = [];
  for (const { path, format, virtualBytes, allocatedBytes, header } of layers) {
    const place = await pools.placeOf(path);
    chain.push({ ...place, format, virtualBytes, allocatedBytes, internalSnapshots: header?.internalSnapshots ?? 0 });
  }
  return {
    target: disk.target,
    device: disk.device,
    readOnly: disk.isReadOnly,
    serial: disk.serial,
    chain,
    persistentFileName: inactive === null ? null : await otherPersistentFile(disk.target, file, { inactive, pools }),
    problem: problem === null ? null : problem.slice(0, MAX_PROBLEM),
  };
}

/** Storage that does not answer, or refuses, is a problem of that disk; the machine and its other disks are told all the same. */
async function readChain(file: string, format: string): Promise<Chain> {
  try {
    return await walkChain(file, format);
  } catch (error) {
    if (!(error instanceof CommandProblem)) throw error;
    return { layers: [], problem: error.message };
  }
}

/** What the persistent definition names for this disk, where that is another file than the live one. */
async function otherPersistentFile(
  target: string,
  file: string,
  around: { inactive: Definition; pools: PoolFolders },
): Promise<string | null> {
  const persistent = await fileOfDisk(around.inactive, target);
  if (persistent === null || persistent === (await canonicalOrSame(file))) return null;
  return (await around.pools.placeOf(persistent)).fileName;
}
