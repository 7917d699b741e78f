'use client';
import type { FormEvent, ReactNode } from 'react';
import type { UserErrorViewFragment } from '../../generated/graphql';
import type { Problem } from '../graphql/problem';
import { Button, type ButtonLook } from '../ui/Button';
import { Dialog, DialogBody, DialogFooter } from '../ui/Dialog';
import { Notice } from '../ui/Notice';
import { RefusalNotices } from './RefusalNotices';

type Confirm = { label: string; icon?: ReactNode; look?: ButtonLook; unavailableBecause?: string | undefined };

type ActionDialogProps = {
  title: string;
  description?: ReactNode;
  /** The plan; the dialog is wide where there is one. */
  preview?: ReactNode;
  /** Refusals that belong to no field of this dialog. */
  errors: readonly UserErrorViewFragment[];
  submission: { isBusy: boolean; problem: Problem | undefined };
  confirm: Confirm;
  /** What the button says that changes nothing. */
  dismissLabel?: string;
  onSubmit: () => Promise<unknown>;
  onClose: () => void;
  children?: ReactNode;
};

/** Asks about one action: what is wished at the left, the plan at the right, one button that does it. It never closes over a refusal. */
export function ActionDialog(props: ActionDialogProps) {
  const { title, description, preview, errors, submission, confirm, dismissLabel = 'Cancel', onSubmit, onClose, children } = props;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (confirm.unavailableBecause === undefined && !submission.isBusy) void onSubmit();
  };
  const fields = (
    <div className="space-y-4">
      <Unanswered problem={submission.problem} />
      <RefusalNotices errors={errors} />
      {children}
    </div>
  );
  return (
    <Dialog
      title={title}
      description={description}
      shape={preview === undefined ? 'plain' : 'wide'}
      isOpen
      onOpenChange={(isOpen) => !isOpen && onClose()}
    >
      <form onSubmit={submit} className="contents" noValidate>
        {preview === undefined ? (
          <DialogBody>{fields}</DialogBody>
        ) : (
          <DialogBody className="grid gap-x-8 gap-y-5 md:grid-cols-[minmax(0,1fr)_minmax(0,1.2fr)]">
            {fields}
            {preview}
          </DialogBody>
        )}
        <DialogFooter>
          <Button look="quiet" onClick={onClose}>
            {dismissLabel}
          </Button>
          <Button
            type="submit"
            look={confirm.look ?? 'primary'}
            icon={confirm.icon}
            isBusy={submission.isBusy}
            unavailableBecause={confirm.unavailableBecause}
          >
            {submission.isBusy ? 'Asking…' : submission.problem ? 'Try again' : confirm.label}
          </Button>
        </DialogFooter>
      </form>
    </Dialog>
  );
}

function Unanswered({ problem }: { problem: Problem | undefined }) {
  if (problem === undefined) return null;
  if (problem.kind === 'unreachable') {
    return (
      <Notice kind="error" title="No answer came">
        This may or may not be on its way. Trying again is safe: it is the same request, and it is carried out once.
      </Notice>
    );
  }
  return <Notice kind="error">{problem.message}</Notice>;
}
