import type { CommandResult } from '@coppice/protocol';
import { z } from 'zod';
import { resourceOf } from '../../operations/claim.store.js';
import type { OperationWork, Turn } from '../../operations/operation-work.js';
import type { Starter } from '../../operations/start-operation.store.js';
import { checkAccess } from '../check-machine.js';
import type { MigrateRequest } from '../machine-changes.contract.js';
import { tellOfMachine } from '../machine.store.js';
import { PLAIN_WORK } from '../plain-work.js';
import { decideMigrate, type MigrateDecision } from './decide-migrate.js';

/** The mutation's name. */
const MIGRATE = 'migrateVirtualMachine';

/** What an operation migrateVirtualMachine keeps. */
const migrateRecord = z.object({ hostId: z.uuid(), hostName: z.string() });

/**
 * How migrateVirtualMachine starts. The source host is asked, and answers once the machine is there and gone here; until then what either
 * host shows of it is ignored, because the operation holds it.
 */
export const migrateStarter: Starter<MigrateRequest, MigrateDecision> = {
  kind: MIGRATE,
  subjectType: 'VIRTUAL_MACHINE',
  machineState: 'MIGRATING',
  alsoRead: ({ hostId }) => ({ hostId }),
  access: (principal, facts) => checkAccess(principal, facts, { role: 'ADMIN', what: 'Migrating a machine', path: ['virtualMachineId'] }),
  decide: (_principal, request, facts) => decideMigrate(request, facts),
  resources: (decision, machineId) => [resourceOf.machine(machineId), ...decision.files],
  subjectName: (_decision, facts) => facts.machine.name,
  async write({ decision, facts }) {
    const { hostId, hostName, destinationUri, disks } = decision;
    const machineUuid = facts.machine.domainUuid;
    return {
      planHash: null,
      record: { hostId, hostName },
      steps: [{ kind: 'MIGRATE_MACHINE', description: `Move the machine to ${hostName}.`, volumeId: null }],
      program: [{ phase: `Moving to ${hostName}`, steps: [0], body: { verb: 'migrate-machine', machineUuid, destinationUri, disks } }],
    };
  },
};

/** The machine is on its new host from the transaction of the old one's answer on. */
export const migrateWork: OperationWork = {
  ...PLAIN_WORK,
  kind: MIGRATE,
  async advanced(turn, { result }) {
    if (result.verb !== 'migrate-machine')
      throw new Error(`operation ${turn.operation.id} migrates a machine and was answered ${result.verb}`);
    await arrive(turn, result);
    return { kind: 'next' };
  },
};

/** Positions of inventories are each host's own: those of the new one begin anew. */
async function arrive(
  { transaction, machine, operation }: Turn,
  { power }: Extract<CommandResult, { verb: 'migrate-machine' }>,
): Promise<void> {
  const { hostId, hostName } = migrateRecord.parse(operation.record);
  await transaction.virtualMachine.update({ where: { id: machine.id }, data: { hostId, powerState: power, inventoryPosition: 0n } });
  const told = {
    to: null,
    event: 'arrive',
    reason: `It is on the host ${hostName} now.`,
    actor: operation.actor,
    operationId: operation.id,
  };
  await tellOfMachine(transaction, machine, told);
}
