'use client';
import { Undo2 } from 'lucide-react';
import { useState } from 'react';
import type { SnapshotNodeFragment } from '../../generated/graphql';
import { useSubmission } from '../graphql/use-submission';
import type { MachineView, SnapshotTreeView } from '../machines/use-live-machine';
import { ActionDialog } from '../operations/ActionDialog';
import { changedPlanIn, whyNotAgreeable, withoutPlanChanged } from '../operations/agreement';
import { PlanPreview } from '../operations/PlanPreview';
import { Choice } from '../ui/Field';
import { Notice } from '../ui/Notice';
import { sayLoss, saySubset } from './revert-words';
import { useMachinePlan } from './use-machine-plan';
import { planRevert, revertToSnapshot } from './vm-snapshots.graphql';

type RevertDialogProps = { machine: MachineView; tree: SnapshotTreeView; snapshot: SnapshotNodeFragment; onClose: () => void };

/** Asks how to go back, shows what that would do and what it would cost, and goes back. */
export function RevertDialog({ machine, tree, snapshot, onClose }: RevertDialogProps) {
  const [wish, setWish] = useState({ snapshotFirst: false, start: false });
  const hasMemory = snapshot.kind === 'DISK_AND_MEMORY';
  const input = { snapshotId: snapshot.id, snapshotFirst: wish.snapshotFirst, start: !hasMemory && wish.start };
  const planned = useMachinePlan(machine, { document: planRevert, input, read: (data) => data.planRevertToVmSnapshot });
  const submission = useSubmission({ document: revertToSnapshot, read: (data) => data.revertToVmSnapshot.errors });
  const errors = withoutPlanChanged(submission.errors.length > 0 ? submission.errors : planned.errors);
  const isLossy = planned.plan?.losesCurrentState === true;

  function change(next: typeof wish): void {
    setWish(next);
    submission.forget();
  }

  async function submit(): Promise<void> {
    const answer = await submission.submit({ ...input, planHash: planned.plan?.hash ?? null });
    const changed = changedPlanIn(answer.errors);
    if (changed) planned.replace(changed);
    if (answer.isDone) onClose();
  }

  return (
    <ActionDialog
      title={`Revert to “${snapshot.name}”`}
      description={`Brings ${machine.name} back to that moment. All snapshots stay.`}
      preview={
        <PlanPreview planned={planned} isRefused={errors.length > 0} isOff={machine.powerState === 'OFF'}>
          {planned.plan?.losesCurrentState === true && (
            <Notice kind="warning" title="The present state will be lost">
              {sayLoss(planned.plan.bytesFreed, tree)}
            </Notice>
          )}
        </PlanPreview>
      }
      errors={errors}
      submission={submission}
      confirm={{
        label: isLossy ? 'Revert and lose it' : 'Revert',
        look: isLossy ? 'danger' : 'primary',
        icon: <Undo2 size={15} aria-hidden />,
        unavailableBecause: whyNotAgreeable(planned),
      }}
      onSubmit={submit}
      onClose={onClose}
    >
      <RevertChoices snapshot={snapshot} machine={machine} wish={wish} onChange={change} />
    </ActionDialog>
  );
}

type Wish = { snapshotFirst: boolean; start: boolean };
type ChoicesProps = { snapshot: SnapshotNodeFragment; machine: MachineView; wish: Wish; onChange: (wish: Wish) => void };

function RevertChoices({ snapshot, machine, wish, onChange }: ChoicesProps) {
  const subset = saySubset(snapshot, machine);
  return (
    <>
      <Choice
        label="Keep the present state as a snapshot first"
        note="It becomes a branch of its own, and you can come back to it. Takes no time worth mentioning: its layers are there already."
        checked={wish.snapshotFirst}
        onChange={(event) => onChange({ ...wish, snapshotFirst: event.target.checked })}
      />
      {snapshot.kind === 'DISK' ? (
        <Choice
          label="Start the machine afterwards"
          note="It boots from the disks as they were. Otherwise it stays off."
          checked={wish.start}
          onChange={(event) => onChange({ ...wish, start: event.target.checked })}
        />
      ) : (
        <p className="text-ink-soft">
          This snapshot holds the memory too: the guest goes on running where it was, with the clock of that moment until it is set.
        </p>
      )}
      {subset !== null && <Notice kind="info">{subset}</Notice>}
    </>
  );
}
