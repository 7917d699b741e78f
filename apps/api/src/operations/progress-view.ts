import type { OperationRecord, StepRecord } from './operation.reads.store.js';
import type { OperationProgress } from './progress-bus.js';

/** The contract's Progress. */
export type ProgressView = {
  percent: number;
  bytesDone: number | null;
  bytesTotal: number | null;
  bytesPerSecond: number | null;
  etaSeconds: number | null;
};

const UNKNOWN_BYTES = { bytesDone: null, bytesTotal: null, bytesPerSecond: null, etaSeconds: null };

/**
 * How far an operation is: what its host last said, unless the row has moved on since (a lower revision is stale), else the share of
 * steps that have ended. 100 only where it has succeeded.
 */
export function progressOfOperation(
  operation: Pick<OperationRecord, 'state' | 'revision'>,
  steps: readonly Pick<StepRecord, 'state'>[],
  told: OperationProgress | null,
): ProgressView | null {
  if (operation.state === 'QUEUED') return null;
  if (operation.state === 'SUCCEEDED') return { percent: 100, ...UNKNOWN_BYTES };
  const ended = steps.filter((step) => step.state === 'SUCCEEDED').length;
  const percent = steps.length === 0 ? 0 : (100 * ended) / steps.length;
  if (told === null || told.revision < operation.revision) return { percent: Math.min(percent, 99), ...UNKNOWN_BYTES };
  const { bytesDone, bytesTotal, bytesPerSecond, etaSeconds } = told;
  return { percent: Math.min(Math.max(percent, told.percent), 99), bytesDone, bytesTotal, bytesPerSecond, etaSeconds };
}

/** Steps with what the host has said of them since the row was written; a lower revision is stale. */
export function stepsAsTold<T extends Pick<StepRecord, 'position' | 'state'>>(
  operation: Pick<OperationRecord, 'state' | 'revision'>,
  steps: readonly T[],
  told: OperationProgress | null,
): T[] {
  if (operation.state !== 'RUNNING' || told === null || told.revision < operation.revision) return [...steps];
  const states = new Map(told.steps.map((step) => [step.position, step.state]));
  return steps.map((step) => ({ ...step, state: states.get(step.position) ?? step.state }));
}

/** How far a step is. None of this version moves bytes, so it has begun or it has ended. */
export function progressOfStep(step: Pick<StepRecord, 'state' | 'startedAt'>): ProgressView | null {
  if (step.state === 'SUCCEEDED') return { percent: 100, ...UNKNOWN_BYTES };
  return step.startedAt === null ? null : { percent: 0, ...UNKNOWN_BYTES };
}
