/** Use case: a VM snapshot's name, description and lock. Touches no file and needs no claim. */
import type { Principal } from '../../access/principal.js';
import { notFound, refusalFor } from '../../access/refusals.js';
import { auditRefusal } from '../../audit/audit.store.js';
import { nameTaken, refusalOfName } from '../../errors/names.js';
import { done, type Outcome, type Refusal, refused } from '../../errors/refusal.js';
import type { Write } from '../../events/write.js';
import { type Database, databaseFailure } from '../../platform/database.js';
import { findSnapshotRow, type SnapshotFields, updateSnapshot } from './snapshot-update.store.js';

/** What shall change; undefined stays. */
export type SnapshotUpdate = { snapshotId: string | null } & SnapshotFields;

/** OPERATOR. NAME_TAKEN where another snapshot of the machine has the name. */
export type UpdateVmSnapshot = (principal: Principal, update: SnapshotUpdate) => Promise<Outcome<{ snapshotId: string }>>;

/** Longest name, in characters, as createVmSnapshot has it. */
const MAX_NAME = 255;
/** Longest description, in characters: a small page. */
const MAX_DESCRIPTION = 4_000;

const MISSING: Refusal = notFound('The snapshot', 'snapshotId');
const GONE: Refusal = {
  code: 'SNAPSHOT_STATE',
  message: 'The snapshot is on its way out or gone. Nothing was changed.',
  path: ['snapshotId'],
};

/** Makes the use case. */
export function createUpdateVmSnapshot(options: { database: Database; write: Write }): UpdateVmSnapshot {
  return async (principal, update) => {
    const tried = { principal, action: 'updateVmSnapshot', projectId: null, subjectId: update.snapshotId };
    return auditRefusal(options.database, tried, await decideAndUpdate(options, principal, update));
  };
}

async function decideAndUpdate(
  options: { database: Database; write: Write },
  principal: Principal,
  update: SnapshotUpdate,
): Promise<Outcome<{ snapshotId: string }>> {
  const { snapshotId, ...fields } = update;
  const snapshot = snapshotId === null ? null : await findSnapshotRow(options.database, snapshotId);
  if (snapshot === null) return refused(MISSING);
  const { id, projectId, virtualMachineId: machineId } = snapshot;
  const refusal = refusalFor(principal, { projectId, what: 'The snapshot', path: ['snapshotId'] }, 'OPERATOR') ?? checkFields(fields);
  if (refusal) return refused(refusal);
  if (Object.keys(fields).length === 0) return done({ snapshotId: id });
  try {
    const isDone = await options.write((transaction) => updateSnapshot(transaction, principal, { id, machineId, fields }));
    return isDone ? done({ snapshotId: id }) : refused(GONE);
  } catch (error) {
    if (databaseFailure(error) !== 'DUPLICATE' || fields.name === undefined) throw error;
    return refused(nameTaken('a snapshot of this machine', fields.name, 'name'));
  }
}

function checkFields(fields: SnapshotFields): Refusal | null {
  const badName = fields.name === undefined ? null : refusalOfName(fields.name, 'name', MAX_NAME);
  if (badName) return badName;
  if (Array.from(fields.description ?? '').length > MAX_DESCRIPTION || fields.description?.includes('\0')) {
    const message = `A description has at most ${MAX_DESCRIPTION} characters and no NUL. Nothing was changed.`;
    return { code: 'INVALID_INPUT', message, path: ['description'] };
  }
  return null;
}
