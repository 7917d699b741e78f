import { done, type Outcome, refused } from '../../errors/refusal.js';
import type { MachineFacts } from '../../machines/machine-facts.store.js';
import type { Again } from '../../operations/retry-operation.store.js';
import type { Retrier } from '../../operations/retry-operation.js';
import { decideConsolidate, decideDelete } from './decide-delete.js';
import { CONSOLIDATE, DELETE_VM_SNAPSHOTS, deleteRecord, type DeleteRecord } from './delete-record.js';
import { expunge, resourcesOf, volumesOf, writeDelete } from './delete.store.js';

/** How a delete that failed goes on: the snapshots of it that are still in the tree, and every merge that is due, planned anew. */
export const deleteRetrier: Retrier = retrierOf(DELETE_VM_SNAPSHOTS);

/** The same for the system's own work. */
export const consolidateRetrier: Retrier = retrierOf(CONSOLIDATE);

function retrierOf(kind: string): Retrier {
  return { kind, goesOnAfterCancel: true, again };
}

function again(recorded: unknown, facts: MachineFacts): Outcome<Again> {
  const record = deleteRecord.parse(recorded);
  const half = facts.layerRows.find((layer) => layer.mergeState === 'REPOINTED');
  return half ? goOn(record, facts) : planAnew(record, facts);
}

/** Readers were re-pointed: the same merge is finished first, by the program as it stands. */
function goOn(record: DeleteRecord, facts: MachineFacts): Outcome<Again> {
  const volumeIds = record.merges.flatMap((merge) => merge.garbage.map((layer) => layer.volumeId));
  return done({
    resources: resourcesOf(facts.machine.id, volumeIds),
    write: async (retrying) => {
      const there = retrying.facts.snapshots.filter((snapshot) => snapshot.state === 'ERROR').map((snapshot) => snapshot.id);
      const doomed = record.doomed.flatMap(({ snapshotId }) => (there.includes(snapshotId) ? [{ snapshotId, was: 'ERROR' as const }] : []));
      await expunge(retrying, { doomed });
      return 'SAME_PROGRAM';
    },
  });
}

function planAnew(record: DeleteRecord, facts: MachineFacts): Outcome<Again> {
  const there = new Set(facts.snapshots.map((snapshot) => snapshot.id));
  const snapshotIds = record.doomed.map(({ snapshotId }) => snapshotId).filter((id) => there.has(id));
  const decided =
    snapshotIds.length === 0 ? decideConsolidate(facts, { goesOn: true }) : decideDelete(requestFor(facts, snapshotIds), facts);
  if (!decided.ok) return refused(...decided.refusals);
  return done({
    resources: resourcesOf(facts.machine.id, volumesOf(decided.value)),
    write: (retrying) => writeDelete(retrying, decided.value),
  });
}

function requestFor(facts: MachineFacts, snapshotIds: string[]) {
  const fixed = { withDescendants: false, freeBytes: null, planHash: null, idempotencyKey: null };
  return { ...fixed, virtualMachineId: facts.machine.id, snapshotIds };
}
