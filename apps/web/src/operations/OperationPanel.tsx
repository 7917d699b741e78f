'use client';
import { X } from 'lucide-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { OperationViewFragment } from '../../generated/graphql';
import { useStream } from '../graphql/use-stream';
import { Badge } from '../ui/Badge';
import { IconButton } from '../ui/Button';
import { classNames } from '../ui/class-names';
import { formatDuration } from '../ui/format';
import { ProgressBar } from '../ui/ProgressBar';
import { CancelOperationButton } from './CancelOperationButton';
import { OperationFailure } from './OperationFailure';
import { OperationSteps } from './OperationSteps';
import { isUnfinished, lengthMs, sayOperationKind, sayOperationState, sayProgress } from './operation-words';
import { watchOperation } from './operations.graphql';

/** The operation that runs on a machine, as it goes on; after its end how it ended, until it is put away. */
export function OperationPanel({ operationId }: { operationId: string }) {
  const [operation, setOperation] = useState<OperationViewFragment>();
  const [isPutAway, setPutAway] = useState(false);
  const take = (next: OperationViewFragment) => setOperation((last) => (last && last.revision > next.revision ? last : next));
  useStream({
    document: watchOperation,
    variables: { operationIds: [operationId] },
    onData: ({ operationProgress: next }) => take(next),
    onGap: () => setOperation(undefined),
  });
  const goesOn = operation !== undefined && isUnfinished(operation.state);
  const focus = useFocusInside(goesOn);
  if (!operation || isPutAway) return null;
  return (
    <section
      {...focus}
      tabIndex={-1}
      aria-label="Operation"
      className={classNames('card animate-arrive overflow-hidden', goesOn && 'border-busy/40')}
    >
      <Head operation={operation} onPutAway={() => setPutAway(true)}>
        {goesOn && <CancelOperationButton operation={operation} onCancelled={take} />}
      </Head>
      {goesOn && <Running operation={operation} />}
      {operation.error && (
        <div className="px-4 pb-3">
          <OperationFailure operation={operation} error={operation.error} onRetried={take} />
        </div>
      )}
      {(goesOn || operation.state === 'FAILED' || operation.state === 'CANCELLED') && operation.steps.length > 0 && (
        <div className="border-t border-line px-4 py-3">
          <OperationSteps steps={operation.steps} />
        </div>
      )}
    </section>
  );
}

type HeadProps = { operation: OperationViewFragment; onPutAway: () => void; children: ReactNode };

function Head({ operation, onPutAway, children }: HeadProps) {
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
      {children}
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
  return (
    <div className="space-y-1.5 px-4 pb-3">
      <ProgressBar
        percent={progress?.percent ?? (operation.steps.length > 0 ? (done / operation.steps.length) * 100 : null)}
        label="Progress"
      />
      <p className="figures flex flex-wrap gap-x-4 text-[12.5px] text-ink-soft">
        <span className="min-w-0 flex-1">{operation.phase ?? 'Waiting for the host'}</span>
        <span>{sayProgress(progress)}</span>
      </p>
      {operation.state === 'CANCELLING' && operation.cancelEffect && (
        <p className="text-[12.5px] text-ink-soft">{operation.cancelEffect}</p>
      )}
    </div>
  );
}

/** When the button that has the focus goes with the operation's end, the focus stays in the panel instead of falling off the page. */
function useFocusInside(goesOn: boolean) {
  const ref = useRef<HTMLElement>(null);
  const hasFocus = useRef(false);
  useEffect(() => {
    if (!goesOn && hasFocus.current && document.activeElement === document.body) ref.current?.focus({ preventScroll: true });
  }, [goesOn]);
  const onFocus = () => {
    hasFocus.current = true;
  };
  const onBlur = () => {
    hasFocus.current = false;
  };
  return { ref, onFocus, onBlur };
}
