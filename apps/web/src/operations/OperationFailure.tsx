'use client';
import { RotateCw } from 'lucide-react';
import type { OperationViewFragment } from '../../generated/graphql';
import { useSubmission } from '../graphql/use-submission';
import { Button } from '../ui/Button';
import { Notice } from '../ui/Notice';
import { isUnfinished } from './operation-words';
import { retryOperation } from './operations.graphql';
import { RefusalNotices } from './RefusalNotices';

type FailureProps = {
  operation: OperationViewFragment;
  error: NonNullable<OperationViewFragment['error']>;
  onRetried: (operation: OperationViewFragment) => void;
};

/** What went wrong, what to do about it, and the button that goes on where it stopped, if that can help. */
export function OperationFailure({ operation, error, onRetried }: FailureProps) {
  const { submit, errors, problem, isBusy } = useSubmission({
    document: retryOperation,
    read: (data) => {
      if (data.retryOperation.operation) onRetried(data.retryOperation.operation);
      return data.retryOperation.errors;
    },
    isPlain: true,
  });
  const canRetry = error.retryable && !isUnfinished(operation.state);
  return (
    <div className="space-y-2">
      <Notice
        kind="error"
        title={error.message}
        action={
          canRetry && (
            <Button
              icon={<RotateCw size={14} aria-hidden />}
              isBusy={isBusy}
              onClick={() => void submit({ operationId: operation.id })}
              className="self-center"
            >
              Retry
            </Button>
          )
        }
      >
        {error.hint}
        {canRetry && ' A retry goes on at the first step that is not done.'}
      </Notice>
      {problem && <Notice kind="error">{problem.message}</Notice>}
      <RefusalNotices errors={errors} />
    </div>
  );
}
