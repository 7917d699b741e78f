import type { Principal } from '../../access/principal.js';
import { insertTransitions } from '../../events/transition.store.js';
import { checkAccess } from '../../machines/check-machine.js';
import { linkOf, type MachineFacts, poolNameOf } from '../../machines/machine-facts.store.js';
import { numberTreeChanges } from '../../machines/machine.store.js';
import { resourceOf } from '../../operations/claim.store.js';
import type { OperationPlan } from '../../operations/operation.store.js';
import type { Starter, Starting } from '../../operations/start-operation.store.js';
import type { Transaction } from '../../platform/database.js';
import { type Consistency, Prisma } from '../../platform/generated/client.js';
import { newId } from '../../platform/ids.js';
import { memoryFileName, nvramFileName } from '../snapshot-files.js';
import { moveSnapshot } from '../snapshot.store.js';
import { createProgram } from './create-program.js';
import { CREATE_VM_SNAPSHOT, type CreateRecord } from './create-record.js';
import type { CreateVmSnapshotRequest } from './create-vm-snapshot.contract.js';
import { type CreateDecision, decideCreate } from './decide-create.js';

type CreateStarting = Starting<CreateVmSnapshotRequest, CreateDecision>;

/** How createVmSnapshot starts. */
export const createStarter: Starter<CreateVmSnapshotRequest, CreateDecision> = {
  kind: CREATE_VM_SNAPSHOT,
  subjectType: 'VM_SNAPSHOT',
  machineState: 'SNAPSHOTTING',
  access: (principal, facts) => checkAccess(principal, facts, { role: 'OPERATOR', what: 'Taking a snapshot', path: ['virtualMachineId'] }),
  decide: (_principal, request, facts) => decideCreate(request, facts),
  resources: resourcesOf,
  subjectName: (decision) => decision.name,
  async write(starting) {
    const record = recordOf(starting);
    await insertLayers(starting.transaction, record);
    await insertSnapshot(starting, record);
    const { steps } = starting.decision.plan.plan;
    return { planHash: starting.decision.hash, record, program: createProgram(record, steps), steps };
  },
};

/** Everything whose files it reads or changes: the machine, its chosen volumes, and the forests that their chains run through. */
function resourcesOf(decision: CreateDecision, machineId: string): string[] {
  const volumes = decision.plan.volumes;
  const layers = volumes.flatMap((volume) => volume.chain).filter((layer) => !layer.isTemplate);
  return [
    resourceOf.machine(machineId),
    ...volumes.map((volume) => resourceOf.volume(volume.volumeId)),
    ...layers.map((layer) => resourceOf.layerForest(layer.volumeId)),
  ];
}

/** What a retry writes, under its claims and locks. */
type TakingAgain = Pick<CreateStarting, 'transaction' | 'facts' | 'decision' | 'subjectId' | 'operationId'> & {
  principal: Pick<Principal, 'actor'>;
};

/** The snapshot in ERROR is taken once more: ERROR → CREATING, a child of what is current now, with new pins and new layers. */
export async function takeAgain(again: TakingAgain): Promise<OperationPlan> {
  const { transaction, facts, decision, subjectId: snapshotId, operationId, principal } = again;
  const record = recordOf(again);
  await insertLayers(transaction, record);
  await transaction.vmSnapshot.update({
    where: { id: snapshotId },
    data: {
      parentId: facts.machine.currentSnapshotId,
      consistency: consistencyAsked(decision),
      error: Prisma.DbNull,
      operationId,
      disks: { create: pinsOf(record) },
    },
  });
  const mover = { transaction, machine: facts.machine, operation: { id: operationId, actor: principal.actor } };
  await moveSnapshot(mover, { snapshotId, from: 'ERROR', to: 'CREATING', event: 'retry', reason: null });
  const { steps } = decision.plan.plan;
  return { planHash: decision.hash, record, program: createProgram(record, steps), steps };
}

function pinsOf(record: CreateRecord) {
  return record.volumes.map(({ volumeId, frozenLayerId, target }) => ({ id: newId(), volumeId, layerId: frozenLayerId, target }));
}

function recordOf({ subjectId, decision, facts }: Pick<CreateStarting, 'subjectId' | 'decision' | 'facts'>): CreateRecord {
  const pool = filePoolOf(decision, facts);
  return {
    snapshotId: subjectId,
    machineUuid: facts.machine.domainUuid,
    power: decision.power,
    quiesce: decision.quiesce,
    memory: decision.kind === 'DISK_AND_MEMORY' ? { pool, fileName: memoryFileName(subjectId) } : null,
    nvram: { pool, fileName: nvramFileName(subjectId) },
    isSubset: decision.plan.volumes.length < facts.volumes.length,
    volumes: decision.plan.volumes.map((volume) => ({
      volumeId: volume.volumeId,
      target: volume.target,
      pool: poolNameOf(facts, volume.volumeId),
      frozenLayerId: volume.frozen.id,
      newLayerId: newId(),
      newFileName: volume.newFileName,
      virtualBytes: volume.virtualBytes,
      chain: volume.chain.map((layer) => linkOf(facts, layer)),
    })),
  };
}

/** What is kept beside the layers lies where the first chosen volume lies. */
function filePoolOf(decision: CreateDecision, facts: MachineFacts): string {
  const [first] = decision.plan.volumes;
  if (!first) throw new Error(`a snapshot of machine ${facts.machine.id} was planned without any volume`);
  return poolNameOf(facts, first.volumeId);
}

async function insertLayers(transaction: Transaction, record: CreateRecord): Promise<void> {
  for (const volume of record.volumes) {
    await transaction.layer.create({
      data: {
        id: volume.newLayerId,
        volumeId: volume.volumeId,
        fileName: volume.newFileName,
        format: 'qcow2',
        state: 'PLANNED',
        backingLayerId: volume.frozenLayerId,
        virtualBytes: BigInt(volume.virtualBytes),
      },
    });
    await transaction.volume.update({ where: { id: volume.volumeId }, data: { nextLayerNumber: { increment: 1 } } });
  }
}

function consistencyAsked({ kind, power, quiesce }: CreateDecision): Consistency {
  if (kind === 'DISK_AND_MEMORY') return 'MEMORY';
  return power === 'OFF' ? 'OFFLINE' : quiesce ? 'FILESYSTEM' : 'CRASH';
}

async function insertSnapshot(starting: CreateStarting, record: CreateRecord): Promise<void> {
  const { transaction, decision, facts, request, subjectId: snapshotId, operationId, principal, at, projectId } = starting;
  const { machine } = facts;
  await transaction.vmSnapshot.create({
    data: {
      id: snapshotId,
      virtualMachineId: machine.id,
      projectId,
      name: decision.name,
      description: request.description,
      kind: decision.kind,
      consistency: consistencyAsked(decision),
      state: 'ALLOCATED',
      parentId: machine.currentSnapshotId,
      createdAt: at,
      createdBy: principal.actor,
      operationId,
      disks: { create: pinsOf(record) },
    },
  });
  const added = { kind: 'ADDED' as const, snapshotId, parentId: machine.currentSnapshotId, currentId: machine.currentSnapshotId };
  await insertTransitions(transaction, [
    {
      projectId,
      virtualMachineId: machine.id,
      subjectType: 'VM_SNAPSHOT',
      subjectId: snapshotId,
      from: null,
      to: 'ALLOCATED',
      event: 'create',
      reason: null,
      actor: principal.actor,
      operationId,
      treeChanges: await numberTreeChanges(transaction, machine.id, [added]),
    },
  ]);
}
