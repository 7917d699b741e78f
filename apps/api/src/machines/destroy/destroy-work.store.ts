import { insertTransitions } from '../../events/transition.store.js';
import type { Turn } from '../../operations/operation-work.js';
import { moveSnapshot } from '../../vm-snapshots/snapshot.store.js';
import { moveLayers } from '../../volumes/volume.store.js';
import { setDrift } from '../inventory.store.js';
import { lockMachine, moveMachine, numberTreeChanges } from '../machine.store.js';
import type { DestroyRecord } from './destroy.store.js';

/**
 * The host has no such machine any more: its snapshots and pins go, what others read becomes theirs, its volumes have no head any more
 * (which is what a volume that is gone looks like), and its layers wait to be discarded. All in the transaction of the host's answer.
 */
export async function letGo(turn: Turn, record: DestroyRecord): Promise<void> {
  const { transaction, machine, operation } = turn;
  await transaction.virtualMachine.update({
    where: { id: machine.id },
    data: { currentSnapshotId: null, powerState: 'OFF', guestAgent: 'DISCONNECTED' },
  });
  await setDrift(transaction, machine.id, null);
  await removeSnapshots({ ...turn, machine: { ...machine, currentSnapshotId: null } });
  await transaction.volume.updateMany({
    where: { virtualMachineId: machine.id },
    data: { virtualMachineId: null, target: null, headLayerId: null },
  });
  for (const { layerId, volumeId } of record.handedOver) await transaction.layer.update({ where: { id: layerId }, data: { volumeId } });
  const doomed = record.discards.flat();
  await moveLayers(transaction, doomed, { from: 'PRESENT', to: 'DISCARDING' });
  await moveLayers(transaction, doomed, { from: 'PLANNED', to: 'DISCARDING' });
  const now = await lockMachine(transaction, machine.id);
  if (!now) throw new Error(`machine ${machine.id} is gone from the record while its row was locked`);
  const move = { to: 'DESTROYED' as const, event: 'destroy', reason: null, actor: operation.actor, operationId: operation.id };
  await moveMachine(transaction, now, move);
}

/** The host said that the files are gone. */
export async function discardedLayers(turn: Turn, layerIds: readonly string[]): Promise<void> {
  await moveLayers(turn.transaction, layerIds, { from: 'DISCARDING', to: 'DISCARDED' });
}

/** Each goes through EXPUNGING, as any snapshot does; what is left of their files is the layers' business from here on. */
async function removeSnapshots(turn: Turn): Promise<void> {
  const { transaction, machine, operation } = turn;
  const snapshots = await transaction.vmSnapshot.findMany({
    where: { virtualMachineId: machine.id, state: { not: 'REMOVED' } },
    select: { id: true, state: true, projectId: true },
    orderBy: { id: 'desc' },
  });
  await transaction.snapshotDisk.deleteMany({ where: { snapshot: { virtualMachineId: machine.id } } });
  for (const { id: snapshotId, state, projectId } of snapshots) {
    if (state !== 'EXPUNGING') await moveSnapshot(turn, { snapshotId, from: state, to: 'EXPUNGING', event: 'destroy', reason: null });
    await transaction.vmSnapshot.update({
      where: { id: snapshotId },
      data: { state: 'REMOVED', parentId: null, memoryBytes: null, filePool: null },
    });
    const removed = { kind: 'REMOVED' as const, snapshotId, parentId: null, currentId: null };
    await insertTransitions(transaction, [
      {
        projectId,
        virtualMachineId: machine.id,
        subjectType: 'VM_SNAPSHOT',
        subjectId: snapshotId,
        from: 'EXPUNGING',
        to: 'REMOVED',
        event: 'finish',
        reason: 'Its machine was destroyed.',
        actor: operation.actor,
        operationId: operation.id,
        treeChanges: await numberTreeChanges(transaction, machine.id, [removed]),
      },
    ]);
  }
}
