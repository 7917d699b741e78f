import { layerFileName } from '@coppice/protocol';
import { z } from 'zod';
import { insertTransitions } from '../../events/transition.store.js';
import { checkSnapshotAccess } from '../snapshot-access.js';
import { linkOf, type MachineFacts, poolNameOf } from '../../machines/machine-facts.store.js';
import { numberTreeChanges } from '../../machines/machine.store.js';
import { resourceOf } from '../../operations/claim.store.js';
import type { OperationPlan } from '../../operations/operation.store.js';
import type { Starter, Starting } from '../../operations/start-operation.store.js';
import type { Transaction } from '../../platform/database.js';
import { newId } from '../../platform/ids.js';
import { moveSnapshot } from '../snapshot.store.js';
import { memoryFileName, nvramFileName } from '../snapshot-files.js';
import { decideRevert, type RevertDecision, type RevertHead, type RevertRequest } from './decide-revert.js';
import { type RecordedXml, revertProgram } from './revert-program.js';
import { REVERT_TO_VM_SNAPSHOT, type RevertRecord } from './revert-record.js';

/** Where a revert is written, by whom and for which operation. */
type RevertStarting = Omit<Starting<RevertRequest, RevertDecision>, 'key' | 'subjectId'>;

/** How revertToVmSnapshot starts. */
export const revertStarter: Starter<RevertRequest, RevertDecision> = {
  kind: REVERT_TO_VM_SNAPSHOT,
  subjectType: 'VM_SNAPSHOT',
  machineState: 'REVERTING',
  access: checkRevertAccess,
  decide: (_principal, request, facts) => decideRevert(request, facts),
  resources: resourcesOf,
  subjectName: (decision) => decision.snapshot.name,
  write: writeRevert,
};

/** New heads, the safety snapshot and the snapshot’s own move have their records, and the operation has its plan. */
export async function writeRevert(starting: RevertStarting): Promise<OperationPlan> {
  const { transaction, decision } = starting;
  const xml = await xmlOf(transaction, decision.snapshot.id);
  const record = recordOf(starting);
  await insertLayers(transaction, record, decision.heads);
  await insertSafetySnapshot(starting, record);
  await startReverting(starting, record);
  const { steps } = decision.plan.plan;
  return { planHash: decision.hash, record, program: revertProgram(record, steps, xml), steps };
}

function checkRevertAccess(...[principal, facts]: Parameters<Starter<RevertRequest, RevertDecision>['access']>) {
  return checkSnapshotAccess(principal, facts, { what: 'Reverting to a snapshot', field: 'snapshotId' });
}

/** Everything whose files it reads or changes: the machine, every volume that gets a head, leaves or stays, and the forests of its chains. */
function resourcesOf({ plan, heads }: RevertDecision, machineId: string): string[] {
  const volumes = [...heads.map((head) => head.volumeId), ...plan.detaches, ...plan.keeps];
  const layers = heads.flatMap((head) => head.chain).filter((layer) => !layer.isTemplate);
  return [
    resourceOf.machine(machineId),
    ...volumes.flatMap((volumeId) => [resourceOf.volume(volumeId), resourceOf.layerForest(volumeId)]),
    ...layers.map((layer) => resourceOf.layerForest(layer.volumeId)),
  ];
}

function recordOf(starting: RevertStarting): RevertRecord {
  const { decision, facts, request } = starting;
  const { snapshot, plan, safetyName, power } = decision;
  const files = snapshot.filePool;
  return {
    snapshotId: snapshot.id,
    safetySnapshotId: safetyName === null ? null : newId(),
    machineUuid: facts.machine.domainUuid,
    power,
    start: request.start,
    before: facts.volumes.map((volume) => headNow(facts, volume)),
    volumes: decision.heads.map((head) => volumeOf(facts, head)),
    keptTargets: facts.volumes.flatMap(({ id, target }) => (target !== null && plan.keeps.includes(id) ? [target] : [])),
    detaches: plan.detaches,
    frozenLayerIds: plan.safetyPins?.map((pin) => pin.layerId) ?? [],
    abandoned: abandonedOf(facts, plan.abandoned),
    memory: snapshot.kind === 'DISK_AND_MEMORY' && files !== null ? { pool: files, fileName: memoryFileName(snapshot.id) } : null,
    nvram: snapshot.hasNvram && files !== null ? { pool: files, fileName: nvramFileName(snapshot.id) } : null,
  };
}

function headNow(facts: MachineFacts, { id, target, headLayerId }: MachineFacts['volumes'][number]): RevertRecord['before'][number] {
  const head = facts.layers.find((layer) => layer.id === headLayerId);
  if (!head || target === null) throw new Error(`volume ${id} is attached to machine ${facts.machine.id} and has no head that was read`);
  return { volumeId: id, target, head: linkOf(facts, head) };
}

function volumeOf(facts: MachineFacts, head: RevertHead): RevertRecord['volumes'][number] {
  const attached = facts.volumes.find((volume) => volume.id === head.volumeId);
  const isOverHead = attached?.headLayerId === head.overLayerId;
  const knownAs = isOverHead ? attached.target : head.target;
  if (knownAs === null) throw new Error(`volume ${head.volumeId} gets a head over a frozen layer and is not attached`);
  return {
    volumeId: head.volumeId,
    target: head.target,
    knownAs,
    pool: poolNameOf(facts, head.volumeId),
    over: isOverHead ? 'HEAD' : 'FROZEN',
    newLayerId: newId(),
    newFileName: head.newFileName,
    virtualBytes: head.virtualBytes,
    chain: head.chain.map((layer) => linkOf(facts, layer)),
  };
}

/** Files that we did not name are not ours to remove: they stay as they are. */
function abandonedOf(facts: MachineFacts, layerIds: readonly string[]): RevertRecord['abandoned'] {
  return layerIds.flatMap((layerId) => {
    const layer = facts.layers.find((candidate) => candidate.id === layerId);
    if (!layer || !layerFileName.safeParse(layer.fileName).success) return [];
    return [{ layerId, volumeId: layer.volumeId, pool: poolNameOf(facts, layer.volumeId), fileName: layer.fileName }];
  });
}

const recordedXml = z.object({ inactiveXml: z.string().nullable(), liveXml: z.string().nullable() });

/** The definitions that are kept with the snapshot; a snapshot that was found, not made, may have none. */
async function xmlOf(transaction: Transaction, snapshotId: string): Promise<RecordedXml> {
  const { definition } = await transaction.vmSnapshot.findUniqueOrThrow({ where: { id: snapshotId }, select: { definition: true } });
  return definition === null ? { inactiveXml: null, liveXml: null } : recordedXml.parse(definition);
}

async function insertLayers(transaction: Transaction, record: RevertRecord, heads: readonly RevertHead[]): Promise<void> {
  for (const volume of record.volumes) {
    await transaction.layer.create({
      data: {
        id: volume.newLayerId,
        volumeId: volume.volumeId,
        fileName: volume.newFileName,
        format: 'qcow2',
        state: 'PLANNED',
        backingLayerId: heads.find((head) => head.volumeId === volume.volumeId)?.overLayerId ?? null,
        virtualBytes: BigInt(volume.virtualBytes),
      },
    });
    await transaction.volume.update({ where: { id: volume.volumeId }, data: { nextLayerNumber: { increment: 1 } } });
  }
}

/** What is left becomes a child of the snapshot that it grew from. It pins the present heads from now on; they are frozen by the switch. */
async function insertSafetySnapshot(starting: RevertStarting, record: RevertRecord): Promise<void> {
  const { transaction, decision, facts, operationId, principal, at, projectId } = starting;
  const { safetySnapshotId: id } = record;
  const { safetyName: name, plan } = decision;
  if (id === null || name === null || plan.safetyPins === null) return;
  const { machine } = facts;
  await transaction.vmSnapshot.create({
    data: {
      id,
      virtualMachineId: machine.id,
      projectId,
      name,
      kind: 'DISK',
      consistency: decision.power === 'OFF' ? 'OFFLINE' : 'CRASH',
      state: 'ALLOCATED',
      parentId: machine.currentSnapshotId,
      createdAt: at,
      createdBy: principal.actor,
      operationId,
      disks: { create: plan.safetyPins.map(({ volumeId, layerId, target }) => ({ id: newId(), volumeId, layerId, target })) },
    },
  });
  const currentId = machine.currentSnapshotId;
  const added = { kind: 'ADDED' as const, snapshotId: id, parentId: currentId, currentId };
  await insertTransitions(transaction, [
    {
      projectId,
      virtualMachineId: machine.id,
      subjectType: 'VM_SNAPSHOT',
      subjectId: id,
      from: null,
      to: 'ALLOCATED',
      event: 'create',
      reason: `Keeps what reverting to “${decision.snapshot.name}” leaves.`,
      actor: principal.actor,
      operationId,
      treeChanges: await numberTreeChanges(transaction, machine.id, [added]),
    },
  ]);
}

async function startReverting({ transaction, facts, operationId, principal }: RevertStarting, { snapshotId }: RevertRecord): Promise<void> {
  await transaction.vmSnapshot.update({ where: { id: snapshotId }, data: { operationId } });
  const mover = { transaction, machine: facts.machine, operation: { id: operationId, actor: principal.actor } };
  await moveSnapshot(mover, { snapshotId, from: 'READY', to: 'REVERTING', event: 'revert', reason: null });
}
