'use client';
import { ChevronRight, ListChecks } from 'lucide-react';
import Link from 'next/link';
import type { OperationViewFragment } from '../../generated/graphql';
import { machinePath } from '../machines/machine-path';
import { Badge } from '../ui/Badge';
import { Button } from '../ui/Button';
import { formatDuration } from '../ui/format';
import { EmptyState, FailedState } from '../ui/Notice';
import { SkeletonRows } from '../ui/Skeleton';
import { TimeAgo } from '../ui/TimeAgo';
import { CancelOperationButton } from './CancelOperationButton';
import { OperationFailure } from './OperationFailure';
import { OperationSteps } from './OperationSteps';
import { isUnfinished, lengthMs, sayOperationKind, sayOperationState } from './operation-words';
import { useLiveOperations } from './use-live-operations';

/** Long work, newest first, each with its steps on demand. */
export function OperationList({ virtualMachineId = null }: { virtualMachineId?: string | null }) {
  const { operations, totalCount, problem, reload } = useLiveOperations(virtualMachineId);
  if (!operations && problem?.kind === 'failed') {
    return (
      <FailedState title="The operations could not be read" action={<Button onClick={reload}>Try again</Button>}>
        {problem.message}
      </FailedState>
    );
  }
  if (!operations) return <SkeletonRows label="Loading the operations" />;
  if (operations.length === 0) {
    return (
      <EmptyState icon={<ListChecks size={20} aria-hidden />} title="No operations yet">
        What is done to machines shows here with its steps, how far it is, and how it ended.
      </EmptyState>
    );
  }
  return (
    <>
      <ul className="divide-y divide-line">
        {operations.map((operation) => (
          <OperationRow key={operation.id} operation={operation} showsMachine={virtualMachineId === null} onChanged={reload} />
        ))}
      </ul>
      {operations.length < totalCount && (
        <p className="figures border-t border-line px-4 py-2.5 text-[12.5px] text-ink-faint">
          The newest {operations.length} of {totalCount}.
        </p>
      )}
    </>
  );
}

type RowProps = { operation: OperationViewFragment; showsMachine: boolean; onChanged: () => void };

function OperationRow({ operation, showsMachine, onChanged }: RowProps) {
  const state = sayOperationState(operation.state);
  const took = lengthMs(operation);
  return (
    <li>
      <details className="group">
        <summary className="flex list-none [&::-webkit-details-marker]:hidden flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 hover:bg-sunken focus-visible:-outline-offset-2">
          <ChevronRight size={15} aria-hidden className="text-ink-faint transition-transform group-open:rotate-90" />
          <span className="min-w-0 flex-1 truncate max-sm:basis-3/5">
            <span className="font-medium">{sayOperationKind(operation.kind)}</span>
            {operation.subject?.__typename === 'VmSnapshot' && <span className="text-ink-soft"> “{operation.subject.name}”</span>}
            {showsMachine && operation.virtualMachine && <span className="text-ink-faint"> · {operation.virtualMachine.name}</span>}
          </span>
          {operation.progress && operation.state === 'RUNNING' && (
            <span className="figures text-busy">{Math.round(operation.progress.percent)} %</span>
          )}
          <Badge tone={state.tone} hasDot>
            {state.label}
          </Badge>
          <span className="figures w-20 text-right text-ink-faint max-sm:hidden">{took === null ? '' : formatDuration(took)}</span>
          <span className="figures w-24 text-right text-ink-faint">
            <TimeAgo at={operation.createdAt} />
          </span>
        </summary>
        <div className="space-y-3 bg-sunken px-4 py-3 pl-10">
          <p className="text-ink-soft">
            Started by {operation.startedBy.name}
            {showsMachine && operation.virtualMachine && (
              <>
                {' on '}
                <Link href={machinePath(operation.virtualMachine.id)} className="font-medium text-accent underline">
                  {operation.virtualMachine.name}
                </Link>
              </>
            )}
            .
          </p>
          {isUnfinished(operation.state) && <CancelOperationButton operation={operation} onCancelled={onChanged} />}
          {operation.error && <OperationFailure operation={operation} error={operation.error} onRetried={onChanged} />}
          {operation.steps.length > 0 && <OperationSteps steps={operation.steps} />}
        </div>
      </details>
    </li>
  );
}
