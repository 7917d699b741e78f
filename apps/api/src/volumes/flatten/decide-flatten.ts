/** Whether a volume may be flattened now, and how: pure. */
import { type FlattenPlan, type FlattenRefusal, planFlatten } from '@coppice/snapshot-tree';
import { done, type Outcome, type Refusal, refused } from '../../errors/refusal.js';
import { checkDrift, checkFree, checkHost, checkResting, checkSpace, spaceForCopy } from '../../machines/check-machine.js';
import type { MachineFacts } from '../../machines/machine-facts.store.js';
import { assertNever } from '../../platform/assert-never.js';
import { DISK_SNAPSHOT_CAPABILITY } from '../../vm-snapshots/capabilities.js';
import { checkRepointed } from '../../vm-snapshots/check-repointed.js';
import { planHashOf } from '../../vm-snapshots/plan-view.js';

/** What is going to be done. */
export type FlattenDecision = { plan: FlattenPlan; hash: string };

/** What was asked for; the machine is the one that has the volume. */
export type FlattenAsked = { volumeId: string; keepTemplate: boolean };

/** The state of the world first; then the plan, and room for it. */
export function decideFlatten({ volumeId, keepTemplate }: FlattenAsked, facts: MachineFacts): Outcome<FlattenDecision> {
  const refusal =
    checkFree(facts) ??
    checkRepointed(facts) ??
    checkDrift(facts) ??
    checkResting(facts, 'its disks can be flattened') ??
    checkHost(facts, [DISK_SNAPSHOT_CAPABILITY]);
  if (refusal) return refused(refusal);
  const heads = facts.heads.map((head) => ({ ...head, machineId: head.machineId ?? '' }));
  const planned = planFlatten({
    record: { layers: facts.layers, heads, pins: facts.pins },
    volumeId,
    downTo: keepTemplate ? 'TEMPLATE' : 'ALL',
  });
  if (!planned.ok) return refused(explain(planned.refusal));
  const noRoom = checkSpace(facts, new Map([[volumeId, spaceForCopy(planned.value.pullBytes)]]));
  return noRoom ? refused(noRoom) : done({ plan: planned.value, hash: planHashOf(planned.value.plan) });
}

function explain(refusal: FlattenRefusal): Refusal {
  switch (refusal.code) {
    case 'UNKNOWN_VOLUME':
      return { code: 'NOT_FOUND', message: 'The volume has no layer that could be written.', path: ['volumeId'] };
    case 'ALREADY_FLAT':
      return {
        code: 'INVALID_INPUT',
        message: 'The volume reads nothing from below that could be copied: it is flat.',
        path: ['volumeId'],
      };
    default:
      return assertNever(refusal);
  }
}
