import type { Principal } from '../../access/principal.js';
import type { Refusal } from '../../errors/refusal.js';
import { insertTransitions } from '../../events/transition.store.js';
import { lockHost } from '../../hosts/host.store.js';
import { lockMachine, moveMachine, numberTreeChanges } from '../../machines/machine.store.js';
import { claim, noteEpoch, resourceOf } from '../../operations/claim.store.js';
import { issueCommand } from '../../operations/command.store.js';
import { type KeyOwner, takeKey } from '../../operations/idempotency.store.js';
import { COMMAND_EXPIRY_MS } from '../../operations/limits.js';
import { insertOperation, type NewOperation, planOperation } from '../../operations/operation.store.js';
import type { StepCommands } from '../../operations/operation-engine.js';
import type { Transaction } from '../../platform/database.js';
import { newId } from '../../platform/ids.js';
import { type CreateFacts, readCreateFacts } from './create-facts.store.js';
import { CREATE_VM_SNAPSHOT, type CreateRecord } from './create-record.js';
import type { CreateVmSnapshotRequest } from './create-vm-snapshot.contract.js';
import { type CreateDecision, decideCreate } from './decide-create.js';

/** Everything that is known before the transaction begins; the ids, so that after a lost connection it can be looked up or done again. */
export type CreateAttempt = {
  operationId: string;
  snapshotId: string;
  commandId: string;
  principal: Principal;
  request: CreateVmSnapshotRequest;
  key: { owner: KeyOwner; bodyHash: Buffer } | null;
  /** What the facts said before the transaction: which volumes to claim. */
  decision: CreateDecision;
  at: Date;
};

/** Thrown to roll the transaction back: with a refusal, or because somebody else was there first and the caller must look again. */
export class CreateRolledBack extends Error {
  override readonly name = 'CreateRolledBack';
  constructor(readonly refusal: Refusal | null) {
    super(refusal?.message ?? 'claimed by another operation meanwhile');
  }
}

/** Claims, checks again under the locks, and writes it all: operation, steps, snapshot, layers, pins, transitions, first command. */
export async function startCreate(transaction: Transaction, attempt: CreateAttempt, steps: StepCommands): Promise<void> {
  const { request, operationId } = attempt;
  const { actor } = attempt.principal;
  const operation: NewOperation = {
    id: operationId,
    kind: CREATE_VM_SNAPSHOT,
    projectId: attempt.decision.projectId,
    virtualMachineId: request.virtualMachineId,
    subjectType: 'VM_SNAPSHOT',
    subjectId: attempt.snapshotId,
    actor,
    at: attempt.at,
  };
  await insertOperation(transaction, operation);
  const facts = await takeMachine(transaction, attempt);
  const decided = decideCreate(attempt.principal, request, { ...facts, holder: null });
  if (!decided.ok) throw new CreateRolledBack(decided.refusals[0]);
  const decision = decided.value;
  if (!claimsCover(attempt.decision, decision)) throw new CreateRolledBack(null);
  if (attempt.key && !(await takeKey(transaction, attempt.key.owner, { operationId, bodyHash: attempt.key.bodyHash, now: attempt.at }))) {
    throw new CreateRolledBack(null);
  }
  const record = recordOf(attempt, decision, facts);
  const { steps: planSteps } = decision.plan.plan;
  await planOperation(transaction, operation, { planHash: decision.hash, plan: record, phase: 'Making empty layers', steps: planSteps });
  const move = { to: 'SNAPSHOTTING' as const, event: CREATE_VM_SNAPSHOT, reason: null, actor, operationId };
  await moveMachine(transaction, facts.machine, move);
  await insertLayers(transaction, record);
  await insertSnapshot(transaction, { attempt, decision, record, facts });
  await issueCommand(transaction, {
    id: attempt.commandId,
    hostId: facts.machine.hostId,
    operationId,
    machineId: facts.machine.id,
    machineEpoch: facts.machine.epoch,
    body: steps.commandForStep('CREATE_LAYER', record),
    expiresAt: new Date(attempt.at.getTime() + COMMAND_EXPIRY_MS),
  });
}

/** Claims machine, volumes and forests; then locks project, host and machine in this order, raises the epoch, and reads what is true now. */
async function takeMachine(transaction: Transaction, attempt: CreateAttempt): Promise<CreateFacts> {
  const machineId = attempt.request.virtualMachineId;
  const { operationId, decision } = attempt;
  if (!(await claim(transaction, { resources: resourcesOf(machineId, decision), operationId }))) throw new CreateRolledBack(null);
  const seen = await transaction.virtualMachine.findUniqueOrThrow({ where: { id: machineId } });
  await transaction.$queryRaw`SELECT id FROM project WHERE id = ${decision.projectId}::uuid FOR NO KEY UPDATE`;
  await lockHost(transaction, seen.hostId);
  await lockMachine(transaction, machineId);
  const { epoch } = await transaction.virtualMachine.update({ where: { id: machineId }, data: { epoch: { increment: 1 } } });
  await noteEpoch(transaction, operationId, epoch);
  const facts = await readCreateFacts(transaction, machineId);
  if (!facts || facts.machine.hostId !== seen.hostId || facts.machine.projectId !== decision.projectId) throw new CreateRolledBack(null);
  return facts;
}

/** Everything whose files it reads or changes: the machine, its chosen volumes, and the forests that their chains run through. */
function resourcesOf(machineId: string, decision: CreateDecision): string[] {
  const volumes = decision.plan.volumes;
  const layers = volumes.flatMap((volume) => volume.chain).filter((layer) => !layer.isTemplate);
  return [
    resourceOf.machine(machineId),
    ...volumes.map((volume) => resourceOf.volume(volume.volumeId)),
    ...layers.map((layer) => resourceOf.layerForest(layer.volumeId)),
  ];
}

/** What was decided before the claims may have changed; what is done is covered by what was claimed. */
function claimsCover(claimed: CreateDecision, decided: CreateDecision): boolean {
  const held = new Set(resourcesOf('', claimed));
  return resourcesOf('', decided).every((resource) => held.has(resource));
}

function recordOf(attempt: CreateAttempt, decision: CreateDecision, facts: CreateFacts): CreateRecord {
  return {
    snapshotId: attempt.snapshotId,
    machineUuid: facts.machine.domainUuid,
    power: decision.power,
    quiesce: decision.quiesce,
    volumes: decision.plan.volumes.map((volume) => ({
      volumeId: volume.volumeId,
      target: volume.target,
      pool: poolOf(facts, volume.volumeId),
      frozenLayerId: volume.frozen.id,
      newLayerId: newId(),
      newFileName: volume.newFileName,
      virtualBytes: volume.virtualBytes,
      chain: volume.chain.map(({ volumeId, fileName, format }) => ({ pool: poolOf(facts, volumeId), fileName, format })),
    })),
  };
}

function poolOf(facts: CreateFacts, volumeId: string): string {
  const pool = facts.poolNames.get(volumeId);
  if (pool === undefined) throw new Error(`volume ${volumeId} has layers that machine ${facts.machine.id} reads, but no pool was read`);
  return pool;
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

type Inserted = { attempt: CreateAttempt; decision: CreateDecision; record: CreateRecord; facts: CreateFacts };

async function insertSnapshot(transaction: Transaction, { attempt, decision, record, facts }: Inserted): Promise<void> {
  const { machine } = facts;
  const { request, snapshotId, operationId, principal, at } = attempt;
  await transaction.vmSnapshot.create({
    data: {
      id: snapshotId,
      virtualMachineId: machine.id,
      projectId: decision.projectId,
      name: decision.name,
      description: request.description,
      kind: 'DISK',
      consistency: decision.power === 'OFF' ? 'OFFLINE' : decision.quiesce ? 'FILESYSTEM' : 'CRASH',
      state: 'ALLOCATED',
      parentId: machine.currentSnapshotId,
      createdAt: at,
      createdBy: principal.actor,
      operationId,
      disks: {
        create: record.volumes.map(({ volumeId, frozenLayerId, target }) => ({ id: newId(), volumeId, layerId: frozenLayerId, target })),
      },
    },
  });
  const added = { kind: 'ADDED' as const, snapshotId, parentId: machine.currentSnapshotId, currentId: machine.currentSnapshotId };
  await insertTransitions(transaction, [
    {
      projectId: decision.projectId,
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
  await transaction.auditEvent.create({
    data: {
      id: newId(),
      at,
      projectId: decision.projectId,
      actor: principal.actor,
      action: CREATE_VM_SNAPSHOT,
      subjectId: snapshotId,
      subjectName: decision.name,
      operationId,
      outcome: 'STARTED',
    },
  });
}
