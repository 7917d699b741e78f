import type { Layer } from '@coppice/snapshot-tree';
import { z } from 'zod';
import { holderOf, resourceOf } from '../../operations/claim.store.js';
import type { Prisma } from '../../platform/generated/client.js';
import type { Reader } from '../../platform/database.js';
import { layersOfMachines, type LayerRow, type PoolRow, type VolumeRow } from '../../volumes/volume.store.js';

/** All that decides whether a snapshot can be taken, read at one time. */
export type CreateFacts = {
  machine: MachineWithHost;
  volumes: (VolumeRow & { pool: PoolRow })[];
  layers: Layer[];
  /** Volume id → name of its pool, for every volume that has one of the layers. */
  poolNames: ReadonlyMap<string, string>;
  /** Names of this machine's snapshots that are in the tree, and how many it ever had. */
  names: ReadonlySet<string>;
  snapshotsEver: number;
  /** Snapshots of the machine's project that are not REMOVED; null where no quota asks. */
  snapshotsOfProject: number | null;
  /** Codes of the findings, or null without drift. */
  driftCodes: string[] | null;
  capabilities: { name: string; available: boolean; reason: string | null }[];
  /** The operation that holds the machine now. */
  holder: string | null;
};

const withHost = { include: { host: true, project: true } } satisfies Prisma.VirtualMachineDefaultArgs;
/** The machine with its host and project. */
type MachineWithHost = Prisma.VirtualMachineGetPayload<typeof withHost>;

const driftRecord = z.object({ findings: z.array(z.object({ code: z.string() })) });
const capabilityRecord = z.array(z.object({ name: z.string(), available: z.boolean(), reason: z.string().nullable() }));

/** Reads the facts; null where there is no such machine. Inside the transaction, with the machine locked, they hold until it ends. */
export async function readCreateFacts(reader: Reader, machineId: string): Promise<CreateFacts | null> {
  const holder = await holderOf(reader, [resourceOf.machine(machineId)]);
  const machine = await reader.virtualMachine.findUnique({ where: { id: machineId }, ...withHost });
  if (!machine) return null;
  const volumes = await reader.volume.findMany({
    where: { virtualMachineId: machineId },
    include: { pool: true },
    orderBy: { target: 'asc' },
  });
  const layers = await layersOfMachines(reader, [machineId]);
  const owners = await reader.volume.findMany({
    where: { id: { in: [...new Set(layers.map((layer) => layer.volumeId))] } },
    select: { id: true, pool: { select: { name: true } } },
  });
  const named = await reader.vmSnapshot.findMany({
    where: { virtualMachineId: machineId, state: { not: 'REMOVED' } },
    select: { name: true },
  });
  const snapshotsEver = await reader.vmSnapshot.count({ where: { virtualMachineId: machineId } });
  return {
    machine,
    volumes,
    layers: layers.map(toLayer),
    poolNames: new Map(owners.map((volume) => [volume.id, volume.pool.name])),
    names: new Set(named.map((snapshot) => snapshot.name)),
    snapshotsEver,
    snapshotsOfProject: await countForQuota(reader, machine),
    driftCodes: machine.drift === null ? null : driftRecord.parse(machine.drift).findings.map((finding) => finding.code),
    capabilities: capabilityRecord.parse(machine.host.capabilities),
    holder,
  };
}

async function countForQuota(reader: Reader, machine: MachineWithHost): Promise<number | null> {
  if (!machine.project || machine.project.quotaVmSnapshots === null) return null;
  return reader.vmSnapshot.count({ where: { projectId: machine.project.id, state: { not: 'REMOVED' } } });
}

function toLayer(row: LayerRow): Layer {
  if (row.format !== 'qcow2' && row.format !== 'raw') throw new Error(`layer ${row.id} is recorded with the format ${row.format}`);
  return {
    id: row.id,
    volumeId: row.volumeId,
    fileName: row.fileName,
    format: row.format,
    backingLayerId: row.backingLayerId,
    virtualBytes: Number(row.virtualBytes),
    allocatedBytes: Number(row.allocatedBytes),
    isTemplate: row.isTemplate,
    data: null,
    isSpoiled: false,
  };
}
