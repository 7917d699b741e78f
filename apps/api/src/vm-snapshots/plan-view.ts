import { createHash } from 'node:crypto';
import { type Plan, planSignature } from '@coppice/snapshot-tree';
import type { Refusal } from '../errors/refusal.js';

/** A plan as people see it (the contract's Plan). */
export type PlanView = {
  hash: string;
  steps: { kind: string; volumeId: string | null; description: string; bytesToMove: number; snapshotIds: string[] }[];
  bytesToMove: number;
  bytesFreed: number;
  peakExtraBytes: number;
  estimatedSeconds: number | null;
  stopsMachine: boolean;
  losesCurrentState: boolean;
  warnings: string[];
};

/** The hash of a plan: steps and their targets, never byte estimates, because a running machine keeps writing. */
export function planHashOf(plan: Plan): string {
  return createHash('sha256').update(planSignature(plan)).digest('hex');
}

/** A planner's plan with its hash and how long it may take. */
export function planView(plan: Plan, more: { hash: string; estimatedSeconds: number | null }): PlanView {
  const { bytesToMove, bytesFreed, peakExtraBytes, stopsMachine, losesCurrentState, warnings } = plan;
  return {
    ...more,
    steps: plan.steps.map(({ kind, volumeId, description, bytesToMove: bytes, snapshotIds }) => ({
      kind,
      volumeId,
      description,
      bytesToMove: bytes,
      snapshotIds: [...snapshotIds],
    })),
    bytesToMove,
    bytesFreed,
    peakExtraBytes,
    stopsMachine,
    losesCurrentState,
    warnings: [...warnings],
  };
}

/** The refusal of a mutation that was given another plan's hash; null where it was given none, or this one. `plan`: what would be done now. */
export function checkPlanHash(planHash: string | null, plan: PlanView): Refusal | null {
  if (planHash === null || planHash === plan.hash) return null;
  return {
    code: 'PLAN_CHANGED',
    message: 'The plan that you saw is not what would be done now, so nothing was done. Look at the new plan and confirm it.',
    path: ['planHash'],
    plan,
  };
}
