/** All that decides whether something can be done with a machine, read at one time: before an operation, and again under its claims. */
import type { Layer, Pin, VolumeHead } from '@coppice/snapshot-tree';
import { z } from 'zod';
import type { HostRow } from '../hosts/host.store.js';
import { holderOf, resourceOf } from '../operations/claim.store.js';
import type { Prisma } from '../platform/generated/client.js';
import type { Reader } from '../platform/database.js';
import { readTemplate, type TemplateFacts } from '../templates/template.store.js';
import { memoryFileName, nvramFileName } from '../vm-snapshots/snapshot-files.js';
import { findVolumeSnapshotRow, type VolumeSnapshotRow } from '../volume-snapshots/volume-snapshot.store.js';
import { forestOfMachine } from '../volumes/forest.store.js';
import { garbageOf, type LayerRow, type PoolRow, toLayer, type VolumeRow } from '../volumes/volume.store.js';

/** A head of any machine that reads layers of the forest; `isRunning`: a QEMU may have its chain open. */
export type HeadFacts = VolumeHead & { machineId: string | null; isRunning: boolean };

const withDisks = {
  include: { disks: { select: { volumeId: true, layerId: true, target: true }, orderBy: { target: 'asc' } } },
  omit: { definition: true },
} satisfies Prisma.VmSnapshotDefaultArgs;

/** A snapshot in the tree, with what it holds of which disk. `isSubset`: the machine had disks that it does not hold. */
export type SnapshotFacts = Prisma.VmSnapshotGetPayload<typeof withDisks> & { isSubset: boolean };

export type MachineFacts = {
  machine: MachineWithHost;
  /** Its attached volumes, vda first. */
  volumes: (VolumeRow & { pool: PoolRow })[];
  /** Volumes that its snapshots pin or whose layers it reads, attached to it or not. */
  otherVolumes: (VolumeRow & { pool: PoolRow })[];
  /** The layer forest that this machine's heads and pins read, upwards and downwards: also what clones wrote over it. Files that are there. */
  layers: Layer[];
  /** The same as recorded: pools, merge states, when measured. */
  layerRows: LayerRow[];
  /** Every pin and every head on these layers, of this machine and of others. */
  pins: Pin[];
  heads: HeadFacts[];
  /** Volume id → its pool's name, for every volume that has one of the layers. */
  poolNames: ReadonlyMap<string, string>;
  /** This machine's snapshots that are in the tree, oldest first. */
  snapshots: SnapshotFacts[];
  /** Their names, and how many it ever had. */
  names: ReadonlySet<string>;
  snapshotsEver: number;
  /** Snapshots of the machine's project that are not REMOVED; null where no quota asks. */
  snapshotsOfProject: number | null;
  /** The same of volume snapshots that are not DESTROYED. */
  volumeSnapshotsOfProject: number | null;
  /** How many volume snapshots the volume in question ever had, where that was asked for. */
  volumeSnapshotsEver: number;
  /** The volume snapshot in question, where one was asked for. */
  volumeSnapshot: VolumeSnapshotRow | null;
  /** Codes of the findings, or null without drift. */
  driftCodes: string[] | null;
  capabilities: { name: string; available: boolean; reason: string | null }[];
  /** The operation that holds the machine now. */
  holder: string | null;
  /** The host that it is to go to, where that was asked for; null where there is none. */
  destination: HostRow | null;
  /** Layers whose files are to go and were not removed yet, where that was asked for. */
  garbage: LayerRow[];
  /** Memory images and NVRAM copies of snapshots that are REMOVED, whose files a host would not remove; where that was asked for. */
  garbageFiles: { pool: string; fileName: string }[];
  /** Its project has a machine, or a template, of the name that was asked about. */
  isNameTaken: boolean;
  /** The template that was asked about; null where there is none. */
  template: TemplateFacts | null;
};

/** What a request needs to know beyond the machine itself. */
export type AlsoRead = {
  volumeIds?: readonly string[];
  hostId?: string;
  garbage?: true;
  volumeSnapshotsOf?: string;
  volumeSnapshotId?: string;
  machineName?: string;
  templateName?: string;
  templateId?: string;
};

const withHost = { include: { host: true, project: true } } satisfies Prisma.VirtualMachineDefaultArgs;
/** The machine with its host and project. */
type MachineWithHost = Prisma.VirtualMachineGetPayload<typeof withHost>;

const driftRecord = z.object({ findings: z.array(z.object({ code: z.string() })) });
const capabilityRecord = z.array(z.object({ name: z.string(), available: z.boolean(), reason: z.string().nullable() }));

/** Reads the facts; null where there is no such machine. Inside the transaction, with the machine locked, they hold until it ends. */
export async function readMachineFacts(reader: Reader, machineId: string, also: AlsoRead = {}): Promise<MachineFacts | null> {
  const holder = await holderOf(reader, [resourceOf.machine(machineId)]);
  const machine = await reader.virtualMachine.findUnique({ where: { id: machineId }, ...withHost });
  if (!machine) return null;
  const forest = await forestOfMachine(reader, machineId, also.volumeIds);
  const ofMachine = forest.volumes.filter((volume) => volume.virtualMachineId === machineId && volume.target !== null);
  const snapshots = await snapshotsOf(reader, machineId);
  return {
    machine,
    volumes: ofMachine.sort((a, b) => ((a.target ?? '') < (b.target ?? '') ? -1 : 1)),
    otherVolumes: forest.volumes.filter((volume) => !ofMachine.includes(volume)),
    layers: forest.layers.map(toLayer),
    layerRows: forest.layers,
    pins: forest.pins,
    heads: forest.heads,
    poolNames: new Map(forest.volumes.map((volume) => [volume.id, volume.pool.name])),
    snapshots,
    names: new Set(snapshots.map((snapshot) => snapshot.name)),
    snapshotsEver: await reader.vmSnapshot.count({ where: { virtualMachineId: machineId } }),
    snapshotsOfProject: await countForQuota(reader, machine),
    ...(await volumeSnapshotFacts(reader, machine, also)),
    driftCodes: machine.drift === null ? null : driftRecord.parse(machine.drift).findings.map((finding) => finding.code),
    capabilities: capabilityRecord.parse(machine.host.capabilities),
    holder,
    destination: also.hostId === undefined ? null : await reader.host.findUnique({ where: { id: also.hostId } }),
    garbage: also.garbage ? await garbageOf(reader, forest.volumes) : [],
    garbageFiles: also.garbage ? await filesLeftOf(reader, machineId) : [],
    isNameTaken: await isTaken(reader, machine.projectId, also),
    template: also.templateId === undefined ? null : await readTemplate(reader, also.templateId),
  };
}

async function isTaken(reader: Reader, projectId: string | null, { machineName, templateName }: AlsoRead): Promise<boolean> {
  if (projectId === null) return false;
  const machine =
    machineName === undefined
      ? null
      : await reader.virtualMachine.findFirst({
          where: { projectId, name: machineName, state: { not: 'DESTROYED' } },
          select: { id: true },
        });
  const template =
    templateName === undefined
      ? null
      : await reader.template.findFirst({ where: { projectId, name: templateName, state: { not: 'DELETED' } }, select: { id: true } });
  return machine !== null || template !== null;
}

/** The pool of a volume that has layers in the facts. */
export function poolNameOf(facts: MachineFacts, volumeId: string): string {
  const pool = facts.poolNames.get(volumeId);
  if (pool === undefined) throw new Error(`volume ${volumeId} has layers that machine ${facts.machine.id} reads, but no pool was read`);
  return pool;
}

/** A layer as commands name it. */
export function linkOf(facts: MachineFacts, layer: Layer): { pool: string; fileName: string; format: Layer['format'] } {
  return { pool: poolNameOf(facts, layer.volumeId), fileName: layer.fileName, format: layer.format };
}

/** The XML of a definition is large: only what tells subsets is read of it. Older records do not say it, but list the disks there were. */
async function snapshotsOf(reader: Reader, machineId: string): Promise<SnapshotFacts[]> {
  const rows = await reader.vmSnapshot.findMany({
    where: { virtualMachineId: machineId, state: { not: 'REMOVED' } },
    orderBy: { id: 'asc' },
    ...withDisks,
  });
  const subsets = await reader.$queryRaw<{ id: string }[]>`
    SELECT s.id FROM vm_snapshot s WHERE s.virtual_machine_id = ${machineId}::uuid AND s.state <> 'REMOVED' AND s.definition IS NOT NULL
      AND coalesce((s.definition->>'isSubset')::boolean,
        jsonb_array_length(s.definition->'disks') > (SELECT count(*) FROM snapshot_disk d WHERE d.snapshot_id = s.id))`;
  const ids = new Set(subsets.map((subset) => subset.id));
  return rows.map((row) => ({ ...row, isSubset: ids.has(row.id) }));
}

/** What is left of snapshots that are gone; at most as many as one command names. */
async function filesLeftOf(reader: Reader, machineId: string): Promise<MachineFacts['garbageFiles']> {
  const rows = await reader.vmSnapshot.findMany({
    where: { virtualMachineId: machineId, state: 'REMOVED', filePool: { not: null } },
    select: { id: true, kind: true, filePool: true, hasNvram: true },
    orderBy: { id: 'asc' },
    take: 500,
  });
  return rows.flatMap(({ id, kind, filePool: pool, hasNvram }) => {
    if (pool === null) return [];
    const memory = kind === 'DISK_AND_MEMORY' ? [{ pool, fileName: memoryFileName(id) }] : [];
    return hasNvram ? [...memory, { pool, fileName: nvramFileName(id) }] : memory;
  });
}

async function volumeSnapshotFacts(reader: Reader, { project }: MachineWithHost, also: AlsoRead) {
  const { volumeSnapshotsOf: volumeId, volumeSnapshotId } = also;
  const ofProject = { projectId: project?.id ?? '', state: { not: 'DESTROYED' } } satisfies Prisma.VolumeSnapshotWhereInput;
  return {
    volumeSnapshotsOfProject:
      (project?.quotaVolumeSnapshots ?? null) === null ? null : await reader.volumeSnapshot.count({ where: ofProject }),
    volumeSnapshotsEver: volumeId === undefined ? 0 : await reader.volumeSnapshot.count({ where: { volumeId } }),
    volumeSnapshot: volumeSnapshotId === undefined ? null : await findVolumeSnapshotRow(reader, volumeSnapshotId),
  };
}

async function countForQuota(reader: Reader, machine: MachineWithHost): Promise<number | null> {
  if (!machine.project || machine.project.quotaVmSnapshots === null) return null;
  return reader.vmSnapshot.count({ where: { projectId: machine.project.id, state: { not: 'REMOVED' } } });
}
