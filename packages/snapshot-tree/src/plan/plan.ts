/** A plan: the ordered steps that an action will take, with bytes, computed before anything is done. */

/** The contract's PlanStepKind; this package plans those that have a planner, and grows with them. */
export type PlanStepKind =
  | 'CREATE_LAYER'
  | 'QUIESCE_GUEST'
  | 'SAVE_MEMORY'
  | 'FREEZE_LAYER'
  | 'THAW_GUEST'
  | 'SAVE_DEFINITION'
  | 'COMMIT_LAYER'
  | 'PULL_LAYER'
  | 'REBASE_LAYER'
  | 'KEEP_SHARED_LAYER'
  | 'DEFER_MERGE'
  | 'FLATTEN_LAYER'
  | 'DISCARD_MEMORY'
  | 'DISCARD_LAYER'
  | 'STOP_MACHINE'
  | 'DISCARD_SAVED_STATE'
  | 'RESTORE_DEFINITION'
  | 'SWITCH_HEAD'
  | 'DETACH_VOLUME'
  | 'RESTORE_MEMORY'
  | 'START_MACHINE'
  | 'COPY_DATA'
  | 'VERIFY_CHAIN';

/** One step. `layerId` is the layer it acts on, `fileName` the file it makes or changes; null where there is none. */
export type PlanStep = {
  kind: PlanStepKind;
  volumeId: string | null;
  layerId: string | null;
  fileName: string | null;
  /** A sentence for people. */
  description: string;
  bytesToMove: number;
  /** Snapshots whose state moves into another layer, or goes, by this step. */
  snapshotIds: string[];
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

/** A step of which only the given parts are of interest. */
export function planStep(kind: PlanStepKind, description: string, parts: Partial<Omit<PlanStep, 'kind' | 'description'>> = {}): PlanStep {
  return { kind, volumeId: null, layerId: null, fileName: null, description, bytesToMove: 0, snapshotIds: [], ...parts };
}

/**
 * The text whose hash is the plan's hash: steps and their targets, never byte estimates, because a running machine keeps writing.
 * Two plans with the same text do the same to the same files.
 */
export function planSignature(plan: Plan): string {
  return JSON.stringify(plan.steps.map((step) => [step.kind, step.volumeId, step.layerId, step.fileName]));
}
