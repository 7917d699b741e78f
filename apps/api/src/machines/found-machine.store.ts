import type { InventoryDisk, InventoryLayer, InventoryMachine } from '@coppice/protocol';
import { hostActor } from '../events/actor-record.js';
import { findPoolOfHost } from '../hosts/pool.store.js';
import type { Transaction } from '../platform/database.js';
import { newId } from '../platform/ids.js';
import type { LayerRow, PoolRow } from '../volumes/volume.store.js';
import { type Finding, managedDisks } from './compare-inventory.js';
import type { InventorySource } from './inventory.store.js';
import { nextNumber, volumeOfFile } from './layer-names.js';
import { restingState, tellOfMachine } from './machine.store.js';

type Found = { machine: InventoryMachine; position: bigint; findings: Finding[] };

/**
 * Records a machine that was seen for the first time: unassigned, with its disks and their chains, drifted where it has findings. Nothing
 * where one of its pools is not recorded yet; it comes again with the next inventory.
 */
export async function insertFoundMachine(transaction: Transaction, from: InventorySource, found: Found): Promise<void> {
  const { machine, findings } = found;
  const disks = managedDisks(machine).filter(isRecordable);
  const pools = await poolsOf(transaction, from.hostId, disks);
  if (!pools) return;
  const drift = findings.length > 0 ? { drift: { detectedAt: from.at.toISOString(), findings, seen: machine } } : {};
  const row = await transaction.virtualMachine.create({
    data: {
      id: newId(),
      domainUuid: machine.uuid,
      name: machine.name,
      hostId: from.hostId,
      state: restingState(machine.power),
      powerState: machine.power,
      guestAgent: machine.guestAgent,
      vcpus: machine.vcpus,
      memoryBytes: BigInt(machine.memoryBytes),
      headSince: from.at,
      inventoryPosition: found.position,
      ...drift,
    },
  });
  for (const disk of disks) await insertFoundVolume(transaction, { machine: row, disk, pools });
  const told = { event: 'found', reason: findings[0]?.message ?? null, actor: hostActor(from.hostName), operationId: null };
  await tellOfMachine(transaction, row, { ...told, to: null, isNew: true });
}

/** A disk whose chain is known to its end, lies in pools, and has formats that we know; any other is a finding instead. */
export function isRecordable(disk: InventoryDisk): boolean {
  const isKnown = (layer: InventoryLayer) => layer.pool !== null && (layer.format === 'qcow2' || layer.format === 'raw');
  return disk.device === 'disk' && disk.problem === null && disk.chain.length > 0 && disk.chain.every(isKnown);
}

/** The recorded pools of these disks by their names on the host; null where one is not recorded yet. */
export async function poolsOf(
  transaction: Transaction,
  hostId: string,
  disks: readonly InventoryDisk[],
): Promise<Map<string, PoolRow> | null> {
  const host = await transaction.host.findUniqueOrThrow({ where: { id: hostId }, select: { id: true, clusterId: true } });
  const pools = new Map<string, PoolRow>();
  for (const name of new Set(disks.flatMap((disk) => disk.chain.flatMap((layer) => layer.pool ?? [])))) {
    const pool = await findPoolOfHost(transaction, host, name);
    if (!pool) return null;
    pools.set(name, pool);
  }
  return pools;
}

type NewVolume = {
  machine: { id: string; name: string; projectId: string | null };
  disk: InventoryDisk;
  pools: ReadonlyMap<string, PoolRow>;
};

/** Records a disk and its chain as a volume of the machine and of its project. */
export async function insertFoundVolume(transaction: Transaction, { machine, disk, pools }: NewVolume): Promise<void> {
  const [head] = disk.chain;
  const pool = pools.get(head?.pool ?? '');
  if (!head || !pool) throw new Error(`disk ${disk.target} of machine ${machine.id} has no chain or no pool after both were checked`);
  const volumeId = await chooseVolumeId(transaction, disk.chain);
  const nextLayerNumber = nextNumber(
    volumeId,
    disk.chain.map((layer) => layer.fileName),
  );
  await transaction.volume.create({
    data: {
      id: volumeId,
      name: `${machine.name}-${disk.target}`,
      projectId: machine.projectId,
      virtualMachineId: machine.id,
      target: disk.target,
      poolId: pool.id,
      virtualBytes: BigInt(head.virtualBytes),
      nextLayerNumber,
    },
  });
  let below: string | null = null;
  for (const layer of disk.chain.toReversed()) {
    const layerPool = pools.get(layer.pool ?? '') ?? pool;
    below = await insertLayer(transaction, { layer, volumeId, poolId: layerPool.id, backingLayerId: below, isHead: layer === head });
  }
  await transaction.volume.update({ where: { id: volumeId }, data: { headLayerId: below } });
}

/** The id that the files' names say, where they are ours and it is free; else a new one. */
async function chooseVolumeId(transaction: Transaction, chain: readonly InventoryLayer[]): Promise<string> {
  const named = chain.map((layer) => volumeOfFile(layer.fileName)).find((id) => id !== null);
  if (!named) return newId();
  const taken = await transaction.volume.findUnique({ where: { id: named }, select: { id: true } });
  return taken ? newId() : named;
}

type NewLayer = { layer: InventoryLayer; volumeId: string; poolId: string; backingLayerId: string | null; isHead: boolean };

/** Inserts a layer, or answers the one that is recorded for the same file: a base that machines share, which nothing may ever merge. */
async function insertLayer(transaction: Transaction, made: NewLayer): Promise<string> {
  const { layer, volumeId, poolId, backingLayerId, isHead } = made;
  const shared: LayerRow | null = isHead
    ? null
    : await transaction.layer.findFirst({ where: { fileName: layer.fileName, state: 'PRESENT', isFrozen: true, volume: { poolId } } });
  if (shared) {
    await transaction.layer.update({ where: { id: shared.id }, data: { isTemplate: true } });
    return shared.id;
  }
  const created = await transaction.layer.create({
    data: {
      id: newId(),
      volumeId,
      fileName: layer.fileName,
      format: layer.format,
      state: 'PRESENT',
      backingLayerId,
      virtualBytes: BigInt(layer.virtualBytes),
      allocatedBytes: BigInt(layer.allocatedBytes),
      isFrozen: !isHead,
      // Who else reads a base that Coppice did not name is not known: a machine that no agent shows, perhaps. Nothing ever merges it.
      isTemplate: !isHead && volumeOfFile(layer.fileName) === null,
    },
    select: { id: true },
  });
  return created.id;
}
