import { type InventoryMachine, inventoryMachine } from '@coppice/protocol';
import { z } from 'zod';
import { Prisma } from '../platform/generated/client.js';
import type { Reader, Transaction } from '../platform/database.js';
import { layersOfMachines, volumesOfMachines } from '../volumes/volume.store.js';
import { managedDisks, type RecordedDisk } from './compare-inventory.js';
import type { MachineRow } from './machine.store.js';

/** Which host told, and when. */
export type InventorySource = { hostId: string; hostName: string; at: Date };

const finding = z.object({
  code: z.string(),
  message: z.string(),
  volumeId: z.string().nullable(),
  path: z.string().nullable(),
  repairable: z.boolean(),
});

/**
 * `seen`: the machine as a host showed it; null where it was not shown (it is gone, or nobody has looked yet). `seenOn`: the host, where that
 * is another than the recorded one.
 */
const driftRecord = z.object({
  detectedAt: z.string(),
  findings: z.array(finding),
  seen: inventoryMachine.nullable().default(null),
  seenOn: z.uuid().nullable().default(null),
});

/** What is recorded of a drift. */
export type DriftRecord = z.infer<typeof driftRecord>;

/** The recorded drift of a machine; null without. */
export function readDrift(machine: Pick<MachineRow, 'drift'>): DriftRecord | null {
  return machine.drift === null ? null : driftRecord.parse(machine.drift);
}

/** The machine with this libvirt UUID, or null. */
export async function findMachineByDomain(reader: Reader, domainUuid: string): Promise<{ id: string } | null> {
  return reader.virtualMachine.findUnique({ where: { domainUuid }, select: { id: true } });
}

/** The host that is recorded to have it now; null where there is no such machine. */
export async function hostOfDomain(reader: Reader, domainUuid: string): Promise<string | null> {
  const machine = await reader.virtualMachine.findUnique({ where: { domainUuid }, select: { hostId: true } });
  return machine?.hostId ?? null;
}

/** All machines that a host is recorded to have, in order of id. */
export async function machinesOfHost(reader: Reader, hostId: string): Promise<{ id: string; domainUuid: string }[]> {
  return reader.virtualMachine.findMany({
    where: { hostId, state: { not: 'DESTROYED' } },
    select: { id: true, domainUuid: true },
    orderBy: { id: 'asc' },
  });
}

/** The recorded disks of a machine, each with its chain from the head down. */
export async function readRecordedDisks(reader: Reader, machineId: string): Promise<RecordedDisk[]> {
  const volumes = await volumesOfMachines(reader, [machineId]);
  const layers = new Map((await layersOfMachines(reader, [machineId])).map((layer) => [layer.id, layer]));
  const owners = await reader.volume.findMany({
    where: { id: { in: [...new Set([...layers.values()].map((layer) => layer.volumeId))] } },
    select: { id: true, pool: { select: { name: true } } },
  });
  const pools = new Map(owners.map((volume) => [volume.id, volume.pool.name]));
  return volumes.flatMap((volume) => {
    if (volume.target === null) return [];
    const chain: { pool: string; fileName: string }[] = [];
    for (let next = volume.headLayerId; next !== null && chain.length <= layers.size; ) {
      const layer = layers.get(next);
      if (!layer) break;
      chain.push({ pool: pools.get(layer.volumeId) ?? '', fileName: layer.fileName });
      next = layer.backingLayerId;
    }
    return [{ volumeId: volume.id, target: volume.target, chain }];
  });
}

/** What the hypervisor says of power and guest agent; the state of a locked machine follows by a transition of its own. */
export async function setPower(
  transaction: Transaction,
  machineId: string,
  seen: { power: InventoryMachine['power']; guestAgent: InventoryMachine['guestAgent'] },
): Promise<void> {
  await transaction.virtualMachine.update({ where: { id: machineId }, data: { powerState: seen.power, guestAgent: seen.guestAgent } });
}

/** Writes or clears the drift of a locked machine. */
export async function setDrift(transaction: Transaction, machineId: string, drift: DriftRecord | null): Promise<void> {
  await transaction.virtualMachine.update({ where: { id: machineId }, data: { drift: drift ?? Prisma.DbNull } });
}

/** Name, size and the position of this inventory. A machine whose domain Coppice named keeps its own name, unless somebody renamed the domain. */
export async function updateFacts(
  transaction: Transaction,
  machine: MachineRow,
  seen: { machine: InventoryMachine; position: bigint },
): Promise<void> {
  await transaction.virtualMachine.update({
    where: { id: machine.id },
    data: {
      name: seen.machine.name === machine.domainName ? machine.name : seen.machine.name,
      vcpus: seen.machine.vcpus,
      memoryBytes: BigInt(seen.machine.memoryBytes),
      inventoryPosition: seen.position,
    },
  });
}

/** Sizes of the layers of a machine whose chains are as recorded; written only where they changed, which is mostly the heads. */
export async function updateDiskSizes(transaction: Transaction, machineId: string, seen: InventoryMachine): Promise<void> {
  const volumes = await volumesOfMachines(transaction, [machineId]);
  const layers = new Map((await layersOfMachines(transaction, [machineId])).map((layer) => [layer.id, layer]));
  for (const disk of managedDisks(seen)) {
    const volume = volumes.find((candidate) => candidate.target === disk.target);
    const [head] = disk.chain;
    if (!volume || !head) continue;
    if (volume.virtualBytes !== BigInt(head.virtualBytes)) {
      await transaction.volume.update({ where: { id: volume.id }, data: { virtualBytes: BigInt(head.virtualBytes) } });
    }
    let layer = volume.headLayerId === null ? undefined : layers.get(volume.headLayerId);
    for (const link of disk.chain) {
      if (!layer) break;
      const sizes = { allocatedBytes: BigInt(link.allocatedBytes), virtualBytes: BigInt(link.virtualBytes) };
      if (layer.allocatedBytes !== sizes.allocatedBytes || layer.virtualBytes !== sizes.virtualBytes) {
        await transaction.layer.update({ where: { id: layer.id }, data: sizes });
      }
      layer = layer.backingLayerId === null ? undefined : layers.get(layer.backingLayerId);
    }
  }
}
