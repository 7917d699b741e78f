'use client';
import { Trash2 } from 'lucide-react';
import { useState } from 'react';
import { useSubmission } from '../graphql/use-submission';
import type { MachineView, SnapshotTreeView } from '../machines/use-live-machine';
import { ActionDialog } from '../operations/ActionDialog';
import { changedPlanIn, whyNotAgreeable, withoutPlanChanged } from '../operations/agreement';
import { PlanPreview } from '../operations/PlanPreview';
import { listNames, namesTouched } from '../operations/plan-words';
import { elsewhere, messageAt } from '../operations/refusals';
import { formatCount } from '../ui/format';
import { type DeleteSubject, type DeleteWish, namedNodes, NO_DELETE_WISH, toDeleteInput } from './delete-wish';
import { DeleteFields } from './DeleteFields';
import { useMachinePlan } from './use-machine-plan';
import { deleteSnapshots, planDelete } from './vm-snapshots.graphql';

type DeleteDialogProps = {
  machine: MachineView;
  tree: SnapshotTreeView;
  subject: DeleteSubject;
  onClose: () => void;
  /** Called once the API has taken it on, before the dialog closes. */
  onDone?: () => void;
};

/** Asks what to delete, shows what becomes of each layer, and deletes. One, with all that grew from it, several, all, or so many bytes. */
export function DeleteSnapshotsDialog({ machine, tree, subject, onClose, onDone }: DeleteDialogProps) {
  const [wish, setWish] = useState(NO_DELETE_WISH);
  const named = namedNodes(tree.nodes, subject, wish);
  const input = toDeleteInput(machine.id, tree.nodes, { subject, wish });
  const planned = useMachinePlan(machine, { document: planDelete, input, read: (data) => data.planDeleteVmSnapshots });
  const submission = useSubmission({ document: deleteSnapshots, read: (data) => data.deleteVmSnapshots.errors });
  const errors = withoutPlanChanged(submission.errors.length > 0 ? submission.errors : input === null ? [] : planned.errors);

  function change(next: DeleteWish): void {
    setWish(next);
    submission.forget();
  }

  async function submit(): Promise<void> {
    if (input === null) return;
    const answer = await submission.submit({ ...input, planHash: planned.plan?.hash ?? null });
    const changed = changedPlanIn(answer.errors);
    if (changed) planned.replace(changed);
    if (!answer.isDone) return;
    onDone?.();
    onClose();
  }

  // The locked ones are named beside the choice that leaves them out: the API's refusal would say it twice.
  const isLockShown = named.some(({ locked }) => locked);
  const nothing = subject.kind === 'free' ? 'Say how much space is to be freed.' : 'None of these is left to delete.';
  return (
    <ActionDialog
      title={titleOf(subject, tree)}
      description={
        subject.kind === 'all'
          ? 'The present state loses nothing.'
          : 'No other snapshot loses anything, and neither does the present state.'
      }
      preview={
        <PlanPreview
          planned={input === null ? { ...planned, plan: null, isOld: false, problem: undefined } : planned}
          isRefused={errors.length > 0}
          isOff={machine.powerState === 'OFF'}
          order="by-volume"
        >
          {subject.kind === 'free' && planned.plan && <Touched names={namesTouched(planned.plan)} />}
        </PlanPreview>
      }
      errors={elsewhere(errors, ['freeBytes']).filter((error) => !(isLockShown && error.code === 'SNAPSHOT_LOCKED'))}
      submission={submission}
      confirm={{
        label: subject.kind === 'free' ? 'Delete them' : `Delete ${formatCount(named.length, 'snapshot')}`,
        look: 'danger',
        icon: <Trash2 size={15} aria-hidden />,
        unavailableBecause: input === null ? nothing : whyNotAgreeable(planned),
      }}
      onSubmit={submit}
      onClose={onClose}
    >
      <DeleteFields tree={tree} subject={subject} wish={wish} onChange={change} amountError={messageAt(errors, 'freeBytes')} />
    </ActionDialog>
  );
}

function titleOf(subject: DeleteSubject, tree: SnapshotTreeView): string {
  if (subject.kind === 'free') return 'Free space';
  if (subject.kind === 'all') return 'Delete all snapshots';
  const [id, ...others] = subject.ids;
  if (others.length > 0) return `Delete ${subject.ids.length} snapshots`;
  return `Delete “${tree.nodes.get(id ?? '')?.name ?? 'a snapshot that is gone'}”`;
}

function Touched({ names }: { names: string[] }) {
  if (names.length === 0) return null;
  return <p className="text-ink-soft">This is about {listNames(names, 8)}.</p>;
}
