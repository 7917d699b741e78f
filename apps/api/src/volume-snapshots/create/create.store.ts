import { checkAccess } from '../../machines/check-machine.js';
import { linkOf, poolNameOf } from '../../machines/machine-facts.store.js';
import { resourceOf } from '../../operations/claim.store.js';
import type { Starter, Starting } from '../../operations/start-operation.store.js';
import type { Transaction } from '../../platform/database.js';
import { newId } from '../../platform/ids.js';
import { volumeSnapshotFileName } from '../snapshot-file.js';
import { insertVolumeSnapshot } from '../volume-snapshot.store.js';
import type { CreateVolumeSnapshotRequest } from '../volume-snapshots.contract.js';
import { createProgram } from './create-program.js';
import { CREATE_VOLUME_SNAPSHOT, type CreateRecord } from './create-record.js';
import { type CreateDecision, decideCreateVolumeSnapshot } from './decide-create.js';

/** The request with the machine whose host does it. */
type Asked = CreateVolumeSnapshotRequest & { virtualMachineId: string; planHash: null };
type CreateStarting = Starting<Asked, CreateDecision>;

/** How createVolumeSnapshot starts. */
export const createStarter: Starter<Asked, CreateDecision> = {
  kind: CREATE_VOLUME_SNAPSHOT,
  subjectType: 'VOLUME_SNAPSHOT',
  machineState: null,
  alsoRead: ({ volumeId }) => ({ volumeSnapshotsOf: volumeId }),
  access: (principal, facts) => checkAccess(principal, facts, { role: 'OPERATOR', what: 'Taking a volume snapshot', path: ['volumeId'] }),
  decide: (_principal, request, facts) => decideCreateVolumeSnapshot(request, facts),
  resources: resourcesOf,
  subjectName: (decision) => decision.name,
  async write(starting) {
    const record = recordOf(starting);
    await insertNewLayer(starting.transaction, record);
    await insertSnapshot(starting, record);
    const { steps } = starting.decision.plan.plan;
    return { planHash: starting.decision.hash, record, program: createProgram(record, steps), steps };
  },
};

/** The machine, the volume, and the forests that what is read runs through: nobody merges or discards a layer of it meanwhile. */
function resourcesOf({ volume, plan }: CreateDecision, machineId: string): string[] {
  const layers = plan.chain.filter((layer) => !layer.isTemplate);
  return [resourceOf.machine(machineId), resourceOf.volume(volume.id), ...layers.map((layer) => resourceOf.layerForest(layer.volumeId))];
}

function recordOf({ subjectId, decision, facts }: CreateStarting): CreateRecord {
  const { volume, headTarget, power, quiesce, plan } = decision;
  const pool = poolNameOf(facts, volume.id);
  const { freeze } = plan;
  return {
    volumeSnapshotId: subjectId,
    machineUuid: facts.machine.domainUuid,
    volumeId: volume.id,
    power,
    quiesce,
    headTarget,
    freeze: freeze && {
      target: freeze.target,
      pool,
      frozenLayerId: freeze.frozen.id,
      newLayerId: newId(),
      newFileName: freeze.newFileName,
      virtualBytes: freeze.virtualBytes,
    },
    chain: plan.chain.map((layer) => linkOf(facts, layer)),
    to: { pool, fileName: volumeSnapshotFileName(subjectId) },
  };
}

async function insertNewLayer(transaction: Transaction, { volumeId, freeze }: CreateRecord): Promise<void> {
  if (freeze === null) return;
  await transaction.layer.create({
    data: {
      id: freeze.newLayerId,
      volumeId,
      fileName: freeze.newFileName,
      format: 'qcow2',
      state: 'PLANNED',
      backingLayerId: freeze.frozenLayerId,
      virtualBytes: BigInt(freeze.virtualBytes),
    },
  });
  await transaction.volume.update({ where: { id: volumeId }, data: { nextLayerNumber: { increment: 1 } } });
}

function insertSnapshot(starting: CreateStarting, record: CreateRecord): Promise<void> {
  const { transaction, decision, request, subjectId: id, operationId, principal, at, projectId } = starting;
  const mover = { transaction, operation: { id: operationId, actor: principal.actor } };
  return insertVolumeSnapshot(mover, {
    id,
    projectId,
    volumeId: record.volumeId,
    virtualMachineId: request.virtualMachineId,
    name: decision.name,
    kind: 'FULL',
    location: 'PRIMARY',
    locked: false,
    consistency: decision.consistency,
    filePool: record.to.pool,
    virtualBytes: BigInt(decision.plan.chain[0]?.virtualBytes ?? 0),
    physicalBytes: 0n,
    createdAt: at,
    createdBy: principal.actor,
    operationId,
  });
}
