import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { checkSnapshotAccess } from '../snapshot-access.js';
import { tellOfMachine } from '../../machines/machine.store.js';
import { resourceOf } from '../../operations/claim.store.js';
import type { OperationPlan } from '../../operations/operation.store.js';
import { RolledBack, type Starter, type Starting } from '../../operations/start-operation.store.js';
import type { Transaction } from '../../platform/database.js';
import { newId } from '../../platform/ids.js';
import { copiesOf, type NewVolumeIds, newVolumeIds, resourcesOfCopies } from '../../volumes/copies/copies.js';
import { insertCopies } from '../../volumes/copies/copies.store.js';
import type { Source } from '../../volumes/copies/decide-source.js';
import { cloneProgram, domainNameOf } from './clone-program.js';
import { CLONE_VM_SNAPSHOT, type CloneRecord } from './clone-record.js';
import { type CloneRequest, decideClone } from './decide-clone.js';

/** Ids of the new machine and its volumes, made before anything is claimed: they are claimed with the rest. */
export type CloneIds = { machineId: string; machineUuid: string; volumes: NewVolumeIds };

/** New ids for one request. libvirt's UUID says nothing of when or where it was made. */
export function newCloneIds(): CloneIds {
  return { machineId: newId(), machineUuid: randomUUID(), volumes: newVolumeIds() };
}

/** How cloneVmSnapshot starts; the operation is of the snapshot's machine, its subject is the new one. */
export function cloneStarter(ids: CloneIds): Starter<CloneRequest, Source> {
  return {
    kind: CLONE_VM_SNAPSHOT,
    subjectType: 'VIRTUAL_MACHINE',
    machineState: null,
    alsoRead: ({ name }) => ({ machineName: name }),
    access: checkCloneAccess,
    decide: (_principal, request, facts) => decideClone(request, facts),
    resources: ({ disks }, machineId) => [
      resourceOf.machine(machineId),
      resourceOf.machine(ids.machineId),
      ...resourcesOfCopies(disks, ids.volumes),
    ],
    subjectName: (source) => source.snapshot.name,
    write: (starting) => writeClone(starting, ids),
  };
}

/** Who may clone; also what an action on a snapshot is asked with. */
export function checkCloneAccess(...[principal, facts]: Parameters<Starter<CloneRequest, Source>['access']>) {
  return checkSnapshotAccess(principal, facts, { what: 'Cloning a snapshot', field: 'snapshotId' });
}

async function writeClone(starting: Starting<CloneRequest, Source>, ids: CloneIds): Promise<OperationPlan> {
  const { transaction, decision, facts, request } = starting;
  const { disks, snapshot } = decision;
  const { machineId, machineUuid } = ids;
  const recordedXml = await definitionOf(transaction, snapshot.id);
  const copies = copiesOf(facts, disks, ids.volumes);
  const record: CloneRecord = { snapshotId: snapshot.id, machineId, machineUuid, linked: request.linked, copies };
  const domainName = domainNameOf(request.name, machineUuid);
  await insertMachine(starting, { record, domainName });
  await insertCopies(transaction, {
    ...starting,
    copies,
    disks,
    name: request.name,
    virtualMachineId: machineId,
    isCopied: !request.linked,
  });
  const plan = cloneProgram({ record, sourceUuid: facts.machine.domainUuid, recordedXml, domainName, start: request.start });
  return { planHash: null, record, ...plan };
}

const recorded = z.object({ inactiveXml: z.string() });

/** What the machine was; a snapshot that was found, not made, may not say it. */
export async function definitionOf(transaction: Transaction, snapshotId: string): Promise<string> {
  const { definition } = await transaction.vmSnapshot.findUniqueOrThrow({ where: { id: snapshotId }, select: { definition: true } });
  const read = recorded.safeParse(definition);
  if (read.success) return read.data.inactiveXml;
  const message = 'The snapshot does not say what the machine was, so there is nothing to define a machine like. Take a new snapshot.';
  throw new RolledBack({ code: 'SNAPSHOT_STATE', message, path: ['snapshotId'] });
}

/**
 * UNKNOWN until its host has defined it. Its epoch is the present one of the other machine, whose operation this is: commands on both carry
 * that, and the agent refuses lower ones for ever.
 */
async function insertMachine(
  { transaction, facts, request, projectId, principal, operationId, at }: Starting<CloneRequest, Source>,
  { record, domainName }: { record: CloneRecord; domainName: string },
): Promise<void> {
  const { vcpus, memoryBytes, hostId, epoch } = facts.machine;
  const machine = await transaction.virtualMachine.create({
    data: {
      id: record.machineId,
      domainUuid: record.machineUuid,
      name: request.name,
      domainName,
      projectId,
      hostId,
      vcpus,
      memoryBytes,
      epoch,
      headSince: at,
      createdAt: at,
    },
  });
  const told = { event: CLONE_VM_SNAPSHOT, reason: null, actor: principal.actor, operationId };
  await tellOfMachine(transaction, machine, { ...told, to: null, isNew: true });
}
