import { assertTransition, VM_SNAPSHOT_LIFECYCLE, type VmSnapshotState } from '@coppice/snapshot-tree';
import { SYSTEM_ACTOR } from '../../events/actor-record.js';
import { insertTransitions } from '../../events/transition.store.js';
import { lockHost } from '../../hosts/host.store.js';
import { holderOf, resourceOf } from '../../operations/claim.store.js';
import type { OperationEngine } from '../../operations/operation-engine.js';
import type { OperationError } from '../../operations/operation-error.js';
import type { Reader, Transaction } from '../../platform/database.js';
import { settleVolumeSnapshots } from '../../volume-snapshots/settle-volume-snapshots.store.js';
import { lockMachine, type MachineRow, moveMachine, numberTreeChanges, restingState } from '../machine.store.js';

/** Machines that one look brings back; the next look brings the others. */
const MOST = 100;

/** Machines that are in the middle of something, or have a snapshot of either kind or an operation that is, and nothing that would ever end it. In order of id. */
export async function stuckMachines(reader: Reader): Promise<string[]> {
  const rows = await reader.$queryRaw<{ id: string }[]>`
    SELECT m.id FROM virtual_machine m
    WHERE m.state <> 'DESTROYED' AND (
      EXISTS (SELECT 1 FROM operation o WHERE o.virtual_machine_id = m.id AND o.state IN ('RUNNING', 'CANCELLING')
        AND NOT EXISTS (SELECT 1 FROM command c WHERE c.operation_id = o.id AND c.state IN ('PENDING', 'SENT')))
      OR (NOT EXISTS (SELECT 1 FROM claim k WHERE k.resource = 'machine:' || m.id) AND (
        m.state IN ('SNAPSHOTTING', 'REVERTING', 'MIGRATING')
        OR EXISTS (SELECT 1 FROM vm_snapshot s WHERE s.virtual_machine_id = m.id
          AND s.state IN ('ALLOCATED', 'CREATING', 'REVERTING', 'EXPUNGING'))
        OR EXISTS (SELECT 1 FROM volume_snapshot s WHERE s.virtual_machine_id = m.id AND s.state IN ('ALLOCATED', 'CREATING', 'DESTROYING')))))
    ORDER BY m.id LIMIT ${MOST}`;
  return rows.map((row) => row.id);
}

/** Ends, under the locks, what stuckMachines saw of this machine and is still so: operations first, then what they left. */
export async function settleMachine(
  transaction: Transaction,
  settled: { machineId: string; engine: OperationEngine; error: OperationError; at: Date },
): Promise<void> {
  const { machineId, engine, error, at } = settled;
  const seen = await transaction.virtualMachine.findUniqueOrThrow({ where: { id: machineId }, select: { hostId: true } });
  await lockHost(transaction, seen.hostId);
  if (!(await lockMachine(transaction, machineId))) return;
  const lost = await transaction.operation.findMany({
    where: {
      virtualMachineId: machineId,
      state: { in: ['RUNNING', 'CANCELLING'] },
      commands: { none: { state: { in: ['PENDING', 'SENT'] } } },
    },
    select: { id: true },
    orderBy: { id: 'asc' },
  });
  for (const { id: operationId } of lost) await engine.abandon(transaction, { operationId, machineId, error, at });
  if ((await holderOf(transaction, [resourceOf.machine(machineId)])) !== null) return;
  const machine = await lockMachine(transaction, machineId);
  if (!machine) return;
  await settleSnapshots(transaction, machine, error);
  await settleVolumeSnapshots(transaction, machine, error);
  if (machine.state !== 'SNAPSHOTTING' && machine.state !== 'REVERTING' && machine.state !== 'MIGRATING') return;
  const move = { event: 'settle', reason: error.message, actor: SYSTEM_ACTOR, operationId: null };
  await moveMachine(transaction, machine, { ...move, to: restingState(machine.powerState) });
}

/** Where a snapshot goes that nothing works on any more. A revert never changes the snapshot; half a create or delete is an ERROR that can be deleted. */
const SETTLES: Partial<Record<VmSnapshotState, VmSnapshotState>> = {
  ALLOCATED: 'ERROR',
  CREATING: 'ERROR',
  REVERTING: 'READY',
  EXPUNGING: 'ERROR',
};

async function settleSnapshots(transaction: Transaction, machine: MachineRow, error: OperationError): Promise<void> {
  const snapshots = await transaction.vmSnapshot.findMany({
    where: { virtualMachineId: machine.id, state: { in: ['ALLOCATED', 'CREATING', 'REVERTING', 'EXPUNGING'] } },
    select: { id: true, state: true, projectId: true, parentId: true },
    orderBy: { id: 'asc' },
  });
  for (const { id: snapshotId, state: from, projectId, parentId } of snapshots) {
    const to = SETTLES[from];
    if (!to) continue;
    assertTransition(VM_SNAPSHOT_LIFECYCLE, { subject: `VM snapshot ${snapshotId}`, from, to });
    await transaction.vmSnapshot.update({ where: { id: snapshotId }, data: { state: to, ...(to === 'ERROR' ? { error } : {}) } });
    const changed = { kind: 'UPDATED' as const, snapshotId, parentId, currentId: machine.currentSnapshotId };
    await insertTransitions(transaction, [
      {
        projectId,
        virtualMachineId: machine.id,
        subjectType: 'VM_SNAPSHOT',
        subjectId: snapshotId,
        from,
        to,
        event: 'settle',
        reason: error.message,
        actor: SYSTEM_ACTOR,
        operationId: null,
        treeChanges: await numberTreeChanges(transaction, machine.id, [changed]),
      },
    ]);
  }
}
