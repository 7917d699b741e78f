import type { ActorRecord } from '../access/principal.js';
import { insertTransitions } from '../events/transition.store.js';
import type { TreeChange } from '../events/transition.js';
import type { VirtualMachine, VirtualMachineState } from '../platform/generated/client.js';
import { assertNever } from '../platform/assert-never.js';
import type { Transaction } from '../platform/database.js';

export type { VirtualMachine as MachineRow };

/** Locks the machine's row and answers it; null when there is none. */
export async function lockMachine(transaction: Transaction, machineId: string): Promise<VirtualMachine | null> {
  await transaction.$queryRaw`SELECT id FROM virtual_machine WHERE id = ${machineId}::uuid FOR NO KEY UPDATE`;
  return transaction.virtualMachine.findUnique({ where: { id: machineId } });
}

/** Who moves a machine, and what for. */
type MachineMove = { event: string; reason: string | null; actor: ActorRecord; operationId: string | null };

/** Moves a locked machine to another state, with its transition; nothing where it is there already. */
export async function moveMachine(
  transaction: Transaction,
  machine: VirtualMachine,
  move: MachineMove & { to: VirtualMachineState },
): Promise<void> {
  if (machine.state === move.to) return;
  const changed = await transaction.virtualMachine.updateMany({
    where: { id: machine.id, state: machine.state },
    data: { state: move.to },
  });
  if (changed.count !== 1) throw new Error(`machine ${machine.id} was not ${machine.state} any more while its row was locked`);
  await tellOfMachine(transaction, machine, move);
}

/**
 * A transition of a locked machine that changes something beside its state (drift, guest agent, project); `to` null: the state stays.
 * `isNew`: there was no state before.
 */
export async function tellOfMachine(
  transaction: Transaction,
  machine: VirtualMachine,
  told: MachineMove & { to: VirtualMachineState | null; isNew?: true },
): Promise<void> {
  await insertTransitions(transaction, [
    {
      projectId: machine.projectId,
      virtualMachineId: machine.id,
      subjectType: 'VIRTUAL_MACHINE',
      subjectId: machine.id,
      from: told.isNew ? null : machine.state,
      to: told.to ?? machine.state,
      event: told.event,
      reason: told.reason,
      actor: told.actor,
      operationId: told.operationId,
      treeChanges: [],
    },
  ]);
}

/** The state of a machine that no operation holds. */
export function restingState(powerState: VirtualMachine['powerState']): VirtualMachineState {
  switch (powerState) {
    case 'ON':
      return 'RUNNING';
    case 'OFF':
      return 'STOPPED';
    case 'PAUSED':
      return 'PAUSED';
    case 'UNKNOWN':
      return 'UNKNOWN';
    default:
      return assertNever(powerState);
  }
}

/** Raises the revision of a locked machine's tree once for each change, and gives the changes their revisions. */
export async function numberTreeChanges(
  transaction: Transaction,
  machineId: string,
  changes: readonly Omit<TreeChange, 'revision'>[],
): Promise<TreeChange[]> {
  const { treeRevision } = await transaction.virtualMachine.update({
    where: { id: machineId },
    data: { treeRevision: { increment: changes.length } },
    select: { treeRevision: true },
  });
  const first = treeRevision - changes.length + 1;
  return changes.map((change, index) => ({ ...change, revision: first + index }));
}
