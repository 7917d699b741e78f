'use client';
import { X } from 'lucide-react';
import { useState } from 'react';
import type { OperationViewFragment } from '../../generated/graphql';
import { useStream } from '../graphql/use-stream';
import { Badge } from '../ui/Badge';
import { IconButton } from '../ui/Button';
import { classNames } from '../ui/class-names';
import { formatBytes, formatDuration } from '../ui/format';
import { Notice } from '../ui/Notice';
import { ProgressBar } from '../ui/ProgressBar';
import { OperationSteps } from './OperationSteps';
import { isUnfinished, lengthMs, sayOperationKind, sayOperationState } from './operation-words';
import { watchOperation } from './operations.graphql';

/** The operation that runs on a machine, as it goes on; after its end how it ended, until it is put away. */
export function OperationPanel({ operationId }: { operationId: string }) {
  const [operation, setOperation] = useState<OperationViewFragment>();
  const [isPutAway, setPutAway] = useState(false);
  useStream({
    document: watchOperation,
    variables: { operationIds: [operationId] },
    onData: ({ operationProgress: next }) => setOperation((last) => (last && last.revision > next.revision ? last : next)),
    onGap: () => setOperation(undefined),
  });
  if (!operation || isPutAway) return null;
  return (
    <section
      aria-label="Operation"
      className={classNames('card animate-arrive overflow-hidden', isUnfinished(operation.state) && 'border-busy/40')}
    >
      <Head operation={operation} onPutAway={() => setPutAway(true)} />
      {isUnfinished(operation.state) && <Running operation={operation} />}
      {operation.error && (
        <div className="px-4 pb-3">
          <Notice kind="error" title={operation.error.message}>
            {operation.error.hint}
          </Notice>
        </div>
      )}
      {(isUnfinished(operation.state) || operation.state === 'FAILED') && operation.steps.length > 0 && (
        <div className="border-t border-line px-4 py-3">
          <OperationSteps steps={operation.steps} />
        </div>
      )}
    </section>
  );
}

function Head({ operation, onPutAway }: { operation: OperationViewFragment; onPutAway: () => void }) {
  const state = sayOperationState(operation.state);
  const took = lengthMs(operation);
  return (
    <div className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2">
      <h2 className="min-w-0 truncate font-semibold">
        {sayOperationKind(operation.kind)}
        {operation.subject?.__typename === 'VmSnapshot' && <span className="font-normal text-ink-soft"> “{operation.subject.name}”</span>}
      </h2>
      <Badge tone={state.tone} hasDot>
        {state.label}
      </Badge>
      <p className="figures ml-auto text-[12.5px] text-ink-faint">
        by {operation.startedBy.name}
        {took !== null && ` · took ${formatDuration(took)}`}
      </p>
      {!isUnfinished(operation.state) && (
        <IconButton label="Put away" onClick={onPutAway} className="-mr-2">
          <X size={15} aria-hidden />
        </IconButton>
      )}
    </div>
  );
}

function Running({ operation }: { operation: OperationViewFragment }) {
  const { progress } = operation;
  const done = operation.steps.filter((step) => step.state === 'SUCCEEDED').length;
  const byteText =
    progress?.bytesTotal && progress.bytesDone !== null && progress.bytesDone !== undefined
      ? `${formatBytes(progress.bytesDone)} of ${formatBytes(progress.bytesTotal)}`
      : null;
  const rate = progress?.bytesPerSecond ? `${formatBytes(progress.bytesPerSecond)}/s` : null;
  const left = progress?.etaSeconds ? `${formatDuration(progress.etaSeconds * 1_000)} left` : null;
  return (
    <div className="space-y-1.5 px-4 pb-3">
      <ProgressBar
        percent={progress?.percent ?? (operation.steps.length > 0 ? (done / operation.steps.length) * 100 : null)}
        label="Progress"
      />
      <p className="figures flex flex-wrap gap-x-4 text-[12.5px] text-ink-soft">
        <span className="min-w-0 flex-1">{operation.phase ?? 'Waiting for the host'}</span>
        <span>{[byteText, rate, left].filter(Boolean).join(' · ')}</span>
      </p>
    </div>
  );
}
