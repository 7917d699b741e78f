import { insertTransitions } from '../../events/transition.store.js';
import type { Turn } from '../../operations/operation-work.js';
import { newId } from '../../platform/ids.js';
import { insertFoundVolume, poolsOf } from '../found-machine.store.js';
import { readDrift, setDrift } from '../inventory.store.js';
import { nextNumber } from '../layer-names.js';
import { numberTreeChanges } from '../machine.store.js';
import type { ReconcileRecord } from './reconcile.store.js';

/** Findings that repairing and adopting leave as they are; the next inventory has the last word. */
const STAYS = ['NOT_PERSISTENT', 'OUTSIDE_POOLS', 'IMAGE_UNSUPPORTED', 'CHAIN_UNREADABLE'];

/** What the host has becomes the record, in the transaction of its answer; the drift is over. */
export async function adoptDisks(turn: Turn, record: ReconcileRecord): Promise<void> {
  const { transaction, machine } = turn;
  for (const { volumeId } of record.detached) {
    await transaction.volume.update({ where: { id: volumeId }, data: { virtualMachineId: null, target: null } });
  }
  for (const { volumeId, target } of record.attached) {
    await transaction.volume.update({ where: { id: volumeId }, data: { virtualMachineId: machine.id, target } });
  }
  for (const grown of record.grown) await adoptLayers(turn, grown);
  const pools = await poolsOf(transaction, machine.hostId, record.found);
  if (!pools) throw new Error(`a pool of a disk of machine ${machine.id} is not recorded any more`);
  for (const disk of record.found) await insertFoundVolume(transaction, { machine, disk, pools });
  await endDrift(turn, record.grown.length > 0);
}

/** Each new layer over the one before it; the old head is frozen by whoever made them. */
async function adoptLayers({ transaction }: Turn, { volumeId, layers }: ReconcileRecord['grown'][number]): Promise<void> {
  const volume = await transaction.volume.findUniqueOrThrow({ where: { id: volumeId } });
  let below = volume.headLayerId;
  if (below === null) throw new Error(`volume ${volumeId} has no head to adopt layers over`);
  await transaction.layer.update({ where: { id: below }, data: { isFrozen: true, dataMap: null, measuredAt: null } });
  for (const [index, { fileName, format, virtualBytes, allocatedBytes }] of layers.entries()) {
    const id = newId();
    await transaction.layer.create({
      data: {
        id,
        volumeId,
        fileName,
        format,
        state: 'PRESENT',
        backingLayerId: below,
        virtualBytes: BigInt(virtualBytes),
        allocatedBytes: BigInt(allocatedBytes),
        isFrozen: index < layers.length - 1,
      },
    });
    below = id;
  }
  const top = layers.at(-1);
  const names = layers.map((layer) => layer.fileName);
  const nextLayerNumber = Math.max(volume.nextLayerNumber, nextNumber(volumeId, names));
  const virtualBytes = top ? BigInt(top.virtualBytes) : volume.virtualBytes;
  await transaction.volume.update({ where: { id: volumeId }, data: { headLayerId: below, nextLayerNumber, virtualBytes } });
}

/** The drift goes but for what neither side can mend; whoever watches the tree hears that its head moved. */
async function endDrift({ transaction, machine, operation }: Turn, hasMoved: boolean): Promise<void> {
  const drift = readDrift(machine);
  const findings = drift?.findings.filter(({ code }) => STAYS.includes(code)) ?? [];
  await setDrift(transaction, machine.id, drift && findings.length > 0 ? { ...drift, findings } : null);
  const moved = { kind: 'HEAD_MOVED' as const, snapshotId: null, parentId: null, currentId: machine.currentSnapshotId };
  await insertTransitions(transaction, [
    {
      projectId: machine.projectId,
      virtualMachineId: machine.id,
      subjectType: 'VIRTUAL_MACHINE',
      subjectId: machine.id,
      from: machine.state,
      to: machine.state,
      event: findings.length > 0 ? 'drift' : 'reconciled',
      reason: findings[0]?.message ?? null,
      actor: operation.actor,
      operationId: operation.id,
      treeChanges: hasMoved ? await numberTreeChanges(transaction, machine.id, [moved]) : [],
    },
  ]);
}
