import type { ActorRecord } from '../access/principal.js';
import { lockMachine, moveMachine, tellOfMachine } from '../machines/machine.store.js';
import { abandonCommandsOf } from '../operations/command.store.js';
import { openOperationsOnHost } from '../operations/operation.store.js';
import type { OperationEngine } from '../operations/operation-engine.js';
import type { OperationError } from '../operations/operation-error.js';
import type { Transaction } from '../platform/database.js';
import type { HostRow } from './host.store.js';

type GivingUp = { engine: OperationEngine; actor: ActorRecord; at: Date };

/**
 * The locked host is off for good (mechanisms.md, Fencing storage): none of its commands is ever sent again, operations that wait for it
 * fail, and nobody knows how far they came, so its machines are drifted. No file is touched.
 */
export async function giveUpHost(transaction: Transaction, host: HostRow, { engine, actor, at }: GivingUp): Promise<void> {
  const message = `An administrator has given up the host ${host.name}: it is off for good.`;
  const hint = 'Nobody knows how far the work came. Look at the machine’s disks before it is started elsewhere.';
  const error: OperationError = { code: 'HOST_UNAVAILABLE', message, retryable: false, hint };
  await abandonCommandsOf(transaction, host.id);
  for (const { id: operationId, virtualMachineId: machineId } of await openOperationsOnHost(transaction, host.id)) {
    await engine.abandon(transaction, { operationId, machineId, error, at });
  }
  const finding = { code: 'HOST_ABANDONED', message, volumeId: null, path: null, repairable: false };
  const drift = { detectedAt: at.toISOString(), findings: [finding] };
  const machines = await transaction.virtualMachine.findMany({
    where: { hostId: host.id, state: { not: 'DESTROYED' } },
    select: { id: true },
    orderBy: { id: 'asc' },
  });
  for (const { id } of machines) {
    const machine = await lockMachine(transaction, id);
    if (!machine) continue;
    await transaction.virtualMachine.update({ where: { id }, data: { drift, powerState: 'UNKNOWN', guestAgent: 'DISCONNECTED' } });
    const told = { actor, operationId: null, reason: message };
    await moveMachine(transaction, machine, { ...told, to: 'UNKNOWN', event: 'abandon' });
    await tellOfMachine(transaction, { ...machine, state: 'UNKNOWN' }, { ...told, to: null, event: 'drift' });
  }
}
