import type { CommandResult } from '@coppice/protocol';
import { setPower } from '../../machines/inventory.store.js';
import { lockMachine, type MachineRow, moveMachine, restingState } from '../../machines/machine.store.js';
import { keepError } from '../../operations/operation.store.js';
import type { OperationError } from '../../operations/operation-error.js';
import type { Turn } from '../../operations/operation-work.js';
import { giveUpCopies } from '../../volumes/copies/copies.store.js';
import type { CloneRecord } from './clone-record.js';

type ResultOf<V extends CommandResult['verb']> = Extract<CommandResult, { verb: V }>;

/** The host has the machine: heads, volumes, sizes and state, as one. */
export async function commitClone(turn: Turn, record: CloneRecord, result: ResultOf<'define-machine'>): Promise<void> {
  const { transaction } = turn;
  for (const { volumeId, layerId } of record.copies) {
    const seen = result.volumes.find((volume) => volume.volumeId === volumeId);
    if (!seen) throw new Error(`operation ${turn.operation.id} was answered a machine without the volume ${volumeId}`);
    await transaction.layer.update({ where: { id: layerId }, data: { state: 'PRESENT', allocatedBytes: BigInt(seen.allocatedBytes) } });
    await transaction.volume.update({ where: { id: volumeId }, data: { headLayerId: layerId } });
  }
  const machine = await lockClone(turn, record);
  const { vcpus, memoryBytes } = result.definition;
  // What a host saw before its answer says nothing of the machine.
  const { inventoryPosition } = await transaction.virtualMachine.findUniqueOrThrow({ where: { id: turn.machine.id } });
  await transaction.virtualMachine.update({
    where: { id: machine.id },
    data: { vcpus, memoryBytes: BigInt(memoryBytes), inventoryPosition },
  });
  await setPower(transaction, machine.id, { power: 'OFF', guestAgent: result.guestAgent });
  await move(turn, machine, { to: 'STOPPED', event: 'finish', reason: null });
}

/** It was started, or is found as it is. */
export async function recordPower(turn: Turn, record: CloneRecord, { power }: ResultOf<'change-power'>): Promise<void> {
  const machine = await lockClone(turn, record);
  await setPower(turn.transaction, machine.id, { power, guestAgent: machine.guestAgent });
  await move(turn, machine, { to: restingState(power), event: 'power', reason: null });
}

type FailedClone = { record: CloneRecord; error: OperationError; layersBecome: 'DISCARDING' | 'DISCARDED' };

/** There is no such machine, and its layers are garbage. */
export async function failClone(turn: Turn, { record, error, layersBecome }: FailedClone): Promise<void> {
  const machine = await lockClone(turn, record);
  await giveUpCopies(turn.transaction, record.copies, layersBecome);
  await move(turn, machine, { to: 'DESTROYED', event: 'fail', reason: error.message });
  await keepError(turn.transaction, turn.operation.id, error);
}

async function lockClone({ transaction, operation }: Turn, { machineId }: CloneRecord): Promise<MachineRow> {
  const machine = await lockMachine(transaction, machineId);
  if (!machine) throw new Error(`machine ${machineId} of operation ${operation.id} is not recorded`);
  return machine;
}

async function move(
  { transaction, operation }: Turn,
  machine: MachineRow,
  to: Pick<Parameters<typeof moveMachine>[2], 'to' | 'event' | 'reason'>,
): Promise<void> {
  await moveMachine(transaction, machine, { ...to, actor: operation.actor, operationId: operation.id });
}
