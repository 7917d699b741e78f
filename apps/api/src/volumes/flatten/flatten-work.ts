/** What becomes of layers while flattenVolume runs. A pull into the head changes nothing that anybody reads, so it can stop anywhere. */
import { done, type Outcome, refused } from '../../errors/refusal.js';
import type { MachineFacts } from '../../machines/machine-facts.store.js';
import { resourceOf } from '../../operations/claim.store.js';
import type { OperationWork, Turn } from '../../operations/operation-work.js';
import type { Again } from '../../operations/retry-operation.store.js';
import type { Retrier } from '../../operations/retry-operation.js';
import { decideFlatten } from './decide-flatten.js';
import { FLATTEN_VOLUME, flattenRecord } from './flatten-record.js';
import { discarded, flattened, flattenPlan, resourcesOf } from './flatten.store.js';

/** The work of flattenVolume, for the operation engine. */
export const flattenVolumeWork: OperationWork = {
  kind: FLATTEN_VOLUME,

  // Nothing changes before the copy is done.
  begun: async () => undefined,

  async advanced(turn, { result }) {
    if (result.verb === 'flatten-layer') await flattened(turn, recordOf(turn), result);
    else if (result.verb === 'discard-layers') await discarded(turn, recordOf(turn));
    else throw new Error(`operation ${turn.operation.id} flattens a volume and was answered ${result.verb}`);
    return { kind: 'next' };
  },

  async failed(_turn, { verb, error, isCancelled }) {
    // The volume is flat and the database knows it; what could not be removed stays DISCARDING, and is tried again by whoever sweeps.
    if (verb === 'discard-layers') return { kind: 'end', state: 'SUCCEEDED', error: null };
    return { kind: 'end', state: isCancelled ? 'CANCELLED' : 'FAILED', error };
  },

  async cleanedUp(turn) {
    throw new Error(`operation ${turn.operation.id} flattens a volume, asks for no clean-up, and was answered one`);
  },

  abandoned: async () => undefined,

  cancelEffect: (_record, { index }) =>
    index === 0 ? 'The copy stops. Nothing changes for anybody; what was copied stays in the head and takes room there.' : null,
};

/** How one that failed goes on: planned anew, what was copied by then needs no copy. */
export const flattenRetrier: Retrier = {
  kind: FLATTEN_VOLUME,
  goesOnAfterCancel: true,
  again(recorded: unknown, facts: MachineFacts): Outcome<Again> {
    const { volumeId, keepTemplate } = flattenRecord.parse(recorded);
    const decided = decideFlatten({ volumeId, keepTemplate }, facts);
    if (!decided.ok) return refused(...decided.refusals);
    return done({
      resources: [resourceOf.machine(facts.machine.id), ...resourcesOf(decided.value)],
      write: async (retrying) => flattenPlan({ volumeId, keepTemplate }, decided.value, retrying.facts),
    });
  },
};

function recordOf(turn: Turn) {
  return flattenRecord.parse(turn.operation.record);
}
