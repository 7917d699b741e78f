import type { Principal } from '../access/principal.js';
import { notFound, refusalFor } from '../access/refusals.js';
import { auditRefusal } from '../audit/audit.store.js';
import { refusalOfName } from '../errors/names.js';
import { done, type Outcome, refused } from '../errors/refusal.js';
import { type StartOptions, startOperation } from '../operations/start-operation.js';
import { machineOfSnapshot } from '../vm-snapshots/snapshot.store.js';
import { placeOfVolume } from '../volumes/flatten/flatten.store.js';
import { createStarter } from './create/create.store.js';
import { deleteStarter } from './delete/delete-work.js';
import { updateVolumeSnapshot } from './update/update-volume-snapshot.store.js';
import { findVolumeSnapshotRow } from './volume-snapshot.store.js';
import type { CreateVolumeSnapshotRequest, StartedVolumeSnapshot, VolumeSnapshots } from './volume-snapshots.contract.js';

/** Longest name, in characters, as createVolumeSnapshot has it. */
const NAME_LENGTH = 255;

type Answer = Promise<Outcome<StartedVolumeSnapshot>>;

/** Makes the use cases. See the contract file for what they promise. Refusals are audited too. */
export function createVolumeSnapshots(options: StartOptions): VolumeSnapshots {
  const { database } = options;
  return {
    async create(principal, request) {
      const tried = { principal, action: createStarter.kind, projectId: null, subjectId: request.volumeId };
      return auditRefusal(database, tried, await create(options, principal, request));
    },
    async delete(principal, request) {
      const tried = { principal, action: deleteStarter.kind, projectId: null, subjectId: request.snapshotId };
      return auditRefusal(database, tried, await remove(options, principal, request));
    },
    async update(principal, request) {
      const tried = { principal, action: 'updateVolumeSnapshot', projectId: null, subjectId: request.snapshotId };
      return auditRefusal(database, tried, await update(options, principal, request));
    },
  };
}

/** By the machine that has the volume, or that the VM snapshot is of: a volume that was detached since is still pinned there. */
async function create(options: StartOptions, principal: Principal, request: CreateVolumeSnapshotRequest): Answer {
  const { volumeId, vmSnapshotId } = request;
  const place = await placeOfVolume(options.database, volumeId);
  const target = { projectId: place?.projectId ?? null, what: 'The volume', path: ['volumeId'] };
  const refusal = refusalFor(principal, target, 'OPERATOR');
  if (refusal) return refused(refusal);
  const virtualMachineId = vmSnapshotId === null ? place?.virtualMachineId : await machineOfSnapshot(options.database, vmSnapshotId);
  if (!virtualMachineId) {
    if (vmSnapshotId !== null) return refused(notFound('The VM snapshot', 'vmSnapshotId'));
    const message = 'The volume is attached to no machine, whose host could do this. Attach it first.';
    return refused({ code: 'MACHINE_STATE', message, path: ['volumeId'] });
  }
  const started = await startOperation(options, createStarter, { principal, request: { ...request, virtualMachineId, planHash: null } });
  return started.ok ? done({ snapshotId: started.value.subjectId, operationId: started.value.operationId }) : started;
}

async function remove(options: StartOptions, principal: Principal, request: { snapshotId: string; idempotencyKey: string | null }): Answer {
  const row = await findVolumeSnapshotRow(options.database, request.snapshotId);
  if (!row) return refused(notFound('The volume snapshot', 'snapshotId'));
  const asked = { ...request, virtualMachineId: row.virtualMachineId, planHash: null };
  const started = await startOperation(options, deleteStarter, { principal, request: asked, subjectId: row.id });
  return started.ok ? done({ snapshotId: row.id, operationId: started.value.operationId }) : started;
}

async function update(
  options: StartOptions,
  principal: Principal,
  { snapshotId, fields }: Parameters<VolumeSnapshots['update']>[1],
): Answer {
  const row = await findVolumeSnapshotRow(options.database, snapshotId);
  const target = { projectId: row?.projectId ?? null, what: 'The volume snapshot', path: ['snapshotId'] };
  const badName = fields.name === undefined ? null : refusalOfName(fields.name, 'name', NAME_LENGTH);
  const refusal = refusalFor(principal, target, 'OPERATOR') ?? badName;
  if (refusal) return refused(refusal);
  if (row === null || Object.keys(fields).length === 0) return done({ snapshotId, operationId: null });
  const change = { id: snapshotId, machineId: row.virtualMachineId, fields };
  if (await options.write((transaction) => updateVolumeSnapshot(transaction, principal, change)))
    return done({ snapshotId, operationId: null });
  return refused({
    code: 'SNAPSHOT_STATE',
    message: 'The volume snapshot is on its way out or gone. Nothing was changed.',
    path: ['snapshotId'],
  });
}
