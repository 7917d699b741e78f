import { describe, expect, it } from 'vitest';
import { progressOfOperation, progressOfStep, stepsAsTold } from './progress-view.js';

const running = { state: 'RUNNING', revision: 4 } as const;
const steps = [
  { position: 0, state: 'SUCCEEDED' },
  { position: 1, state: 'RUNNING' },
] as const;
const bytes = { bytesDone: 3, bytesTotal: 4, bytesPerSecond: 1, etaSeconds: 1 };
const unknown = { bytesDone: null, bytesTotal: null, bytesPerSecond: null, etaSeconds: null };

function told(revision: number, percent: number) {
  return { operationId: 'o', revision, percent, ...bytes, steps: [{ position: 1, state: 'SUCCEEDED' as const }] };
}

describe('progress', () => {
  it('is nothing before an operation begins, all when it has succeeded, and never all before', () => {
    expect(progressOfOperation({ state: 'QUEUED', revision: 1 }, steps, null)).toBeNull();
    expect(progressOfOperation({ state: 'SUCCEEDED', revision: 9 }, steps, told(9, 10))).toEqual({ percent: 100, ...unknown });
    expect(progressOfOperation(running, steps, told(4, 100))).toEqual({ percent: 99, ...bytes });
  });

  it('is what the host said, unless the record has moved on since', () => {
    expect(progressOfOperation(running, steps, told(4, 75))).toEqual({ percent: 75, ...bytes });
    expect(progressOfOperation(running, steps, told(3, 75))).toEqual({ percent: 50, ...unknown });
    expect(stepsAsTold(running, steps, told(4, 75)).map((step) => step.state)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
    expect(stepsAsTold(running, steps, told(3, 75)).map((step) => step.state)).toEqual(['SUCCEEDED', 'RUNNING']);
  });

  it('of a step is nothing before it begins', () => {
    expect(progressOfStep({ state: 'RUNNING', startedAt: null })).toBeNull();
    expect(progressOfStep({ state: 'RUNNING', startedAt: new Date(0) })).toEqual({ percent: 0, ...unknown });
    expect(progressOfStep({ state: 'SUCCEEDED', startedAt: new Date(0) })).toEqual({ percent: 100, ...unknown });
  });
});
