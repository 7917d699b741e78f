'use client';
import { Ban } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { OperationViewFragment } from '../../generated/graphql';
import { useLoad } from '../graphql/use-load';
import { useSubmission } from '../graphql/use-submission';
import { Button } from '../ui/Button';
import { Notice } from '../ui/Notice';
import { ActionDialog } from './ActionDialog';
import { isUnfinished, sayOperationKind, whyNotCancelable } from './operation-words';
import { cancelOperation, loadOperation } from './operations.graphql';

type CancelProps = { operation: OperationViewFragment; onCancelled: (operation: OperationViewFragment) => void };

/** Cancels an operation, after it has said what that would leave. */
export function CancelOperationButton({ operation, onCancelled }: CancelProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button
        look="quiet"
        icon={<Ban size={14} aria-hidden />}
        unavailableBecause={whyNotCancelable(operation)}
        onClick={() => setOpen(true)}
      >
        Cancel…
      </Button>
      {isOpen && <CancelOperationDialog operation={operation} onCancelled={onCancelled} onClose={() => setOpen(false)} />}
    </>
  );
}

/**
 * What a cancel leaves can change while one reads it: the sentence is always that of now, and the end of the operation ends the question. Where the
 * operation went on before the cancel was there, the answer says what it leaves, and the dialog stays to tell that.
 */
function CancelOperationDialog({ operation: shown, onCancelled, onClose }: CancelProps & { onClose: () => void }) {
  const operation = useFresh(shown);
  const answered = useRef<OperationViewFragment>(undefined);
  const [otherEffect, setOtherEffect] = useState<string>();
  const { submit, errors, ...submission } = useSubmission({
    document: cancelOperation,
    read: (data) => {
      answered.current = data.cancelOperation.operation ?? undefined;
      if (answered.current) onCancelled(answered.current);
      return data.cancelOperation.errors;
    },
    isPlain: true,
  });

  async function cancel(): Promise<void> {
    const agreed = operation.cancelEffect;
    if (!(await submit({ operationId: operation.id })).isDone) return;
    const effect = answered.current?.cancelEffect;
    if (!effect || effect === agreed) onClose();
    else setOtherEffect(effect);
  }

  const isOver = !isUnfinished(operation.state);
  const name = sayOperationKind(operation.kind).toLowerCase();
  return (
    <ActionDialog
      title={`Cancel “${name}”?`}
      errors={errors}
      submission={submission}
      dismissLabel={isOver || otherEffect !== undefined ? 'Close' : 'Let it go on'}
      confirm={{
        label: 'Cancel it',
        look: 'danger',
        icon: <Ban size={15} aria-hidden />,
        unavailableBecause: isOver ? 'It has ended by now.' : whyNotCancelable(operation),
      }}
      onSubmit={cancel}
      onClose={onClose}
    >
      {otherEffect !== undefined ? (
        <Notice kind="warning" title="It had gone on before the cancel was there">
          {otherEffect}
        </Notice>
      ) : isOver ? (
        <p>It has ended by now: there is nothing left to cancel.</p>
      ) : (
        <Notice kind="warning" title="What this leaves">
          {operation.cancelEffect ?? 'What is done already stays; what is not begun is not done.'}
        </Notice>
      )}
    </ActionDialog>
  );
}

/** Progress comes with revisions; what a cancel leaves may change between two of them, so it is asked for when the question is, and at each one. */
function useFresh(operation: OperationViewFragment): OperationViewFragment {
  const { id, revision } = operation;
  const { data, reload } = useLoad({ document: loadOperation, variables: { id } });
  useEffect(() => {
    if (revision > 0) reload();
  }, [revision, reload]);
  const read = data?.node?.__typename === 'Operation' ? data.node : operation;
  return read.revision < operation.revision ? operation : read;
}
