/** A plan: the ordered steps that an action will take, with bytes, computed before anything is done. */

/** The contract's PlanStepKind; this package plans those that have a planner, and grows with them. */
export type PlanStepKind = 'CREATE_LAYER' | 'QUIESCE_GUEST' | 'FREEZE_LAYER' | 'THAW_GUEST' | 'SAVE_DEFINITION' | 'VERIFY_CHAIN';

/** One step. `layerId` is the layer it acts on, `fileName` the file it makes or changes; null where there is none. */
export type PlanStep = {
  kind: PlanStepKind;
  volumeId: string | null;
  layerId: string | null;
  fileName: string | null;
  /** A sentence for people. */
  description: string;
  bytesToMove: number;
};

/** The whole, with its sums in bytes. `losesCurrentState`: what was written since the current snapshot goes. */
export type Plan = {
  steps: PlanStep[];
  bytesToMove: number;
  bytesFreed: number;
  peakExtraBytes: number;
  stopsMachine: boolean;
  losesCurrentState: boolean;
  warnings: string[];
};

/**
 * The text whose hash is the plan's hash: steps and their targets, never byte estimates, because a running machine keeps writing.
 * Two plans with the same text do the same to the same files.
 */
export function planSignature(plan: Plan): string {
  return JSON.stringify(plan.steps.map((step) => [step.kind, step.volumeId, step.layerId, step.fileName]));
}
