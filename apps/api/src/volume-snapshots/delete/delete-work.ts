/** How a volume snapshot and its file go: CREATED_ON_PRIMARY | ERROR → DESTROYING → DESTROYED | ERROR. */
import { z } from 'zod';
import { notFound } from '../../access/refusals.js';
import { done, refused } from '../../errors/refusal.js';
import { PLAIN_WORK } from '../../machines/plain-work.js';
import { resourceOf } from '../../operations/claim.store.js';
import type { OperationWork, Turn } from '../../operations/operation-work.js';
import type { Starter } from '../../operations/start-operation.store.js';
import { volumeSnapshotFileName } from '../snapshot-file.js';
import type { VolumeSnapshotRow } from '../volume-snapshot.store.js';
import { checkDeleteAccess, obstacleToDeleting } from './decide-delete.js';
import { removed, startRemoving, stays } from './delete.store.js';

/** The mutation's name, and the kind of its operations. */
const DELETE_VOLUME_SNAPSHOT = 'deleteVolumeSnapshot';

const deleteRecord = z.object({ volumeSnapshotId: z.uuid() });

type Asked = { virtualMachineId: string; snapshotId: string; planHash: null; idempotencyKey: string | null };

/** How deleteVolumeSnapshot starts. */
export const deleteStarter: Starter<Asked, VolumeSnapshotRow> = {
  kind: DELETE_VOLUME_SNAPSHOT,
  subjectType: 'VOLUME_SNAPSHOT',
  machineState: null,
  alsoRead: ({ snapshotId }) => ({ volumeSnapshotId: snapshotId }),
  access(principal, facts) {
    const snapshot = facts?.volumeSnapshot ?? null;
    const refusal = checkDeleteAccess(principal, snapshot);
    return refusal || !snapshot ? refused(refusal ?? notFound('The volume snapshot', 'snapshotId')) : done(snapshot.projectId);
  },
  decide(_principal, _request, facts) {
    if (!facts.volumeSnapshot) return refused(notFound('The volume snapshot', 'snapshotId'));
    const refusal = obstacleToDeleting(facts.volumeSnapshot, facts);
    return refusal ? refused(refusal) : done(facts.volumeSnapshot);
  },
  resources: (snapshot, machineId) => [resourceOf.machine(machineId), resourceOf.volume(snapshot.volumeId)],
  subjectName: (snapshot) => snapshot.name,
  async write({ transaction, operationId, principal, decision: { id, state, volumeId, filePool: pool }, facts }) {
    await startRemoving({ transaction, operation: { id: operationId, actor: principal.actor } }, { id, state });
    const layers = [{ volumeId, pool, fileName: volumeSnapshotFileName(id) }];
    return {
      planHash: null,
      record: { volumeSnapshotId: id },
      steps: [{ kind: 'DISCARD_LAYER', description: 'Remove the file of the volume snapshot.', volumeId }],
      program: [
        {
          phase: 'Removing the file',
          steps: [0],
          body: { verb: 'discard-layers', machineUuid: facts.machine.domainUuid, layers, snapshotFiles: [] },
        },
      ],
    };
  },
};

/** The work of deleteVolumeSnapshot, for the operation engine. */
export const deleteVolumeSnapshotWork: OperationWork = {
  ...PLAIN_WORK,
  kind: DELETE_VOLUME_SNAPSHOT,
  async advanced(turn) {
    await removed(turn, idOf(turn));
    return { kind: 'next' };
  },
  async failed(turn, { error, isCancelled }) {
    await stays(turn, idOf(turn), error);
    return { kind: 'end', state: isCancelled ? 'CANCELLED' : 'FAILED', error };
  },
  async abandoned(turn, error) {
    await stays(turn, idOf(turn), error);
  },
  cancelEffect: () => null,
};

function idOf(turn: Turn): string {
  return deleteRecord.parse(turn.operation.record).volumeSnapshotId;
}
