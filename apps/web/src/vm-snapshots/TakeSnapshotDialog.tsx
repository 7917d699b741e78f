'use client';
import { Camera } from 'lucide-react';
import { useState } from 'react';
import { useSubmission } from '../graphql/use-submission';
import type { MachineView } from '../machines/use-live-machine';
import { ActionDialog } from '../operations/ActionDialog';
import { changedPlanIn, withoutPlanChanged } from '../operations/agreement';
import { PlanPreview } from '../operations/PlanPreview';
import { elsewhere, messageAt } from '../operations/refusals';
import { type SnapshotWish, NO_WISH, toCreateInput } from './snapshot-wish';
import { TakeSnapshotFields } from './TakeSnapshotFields';
import { useMachinePlan } from './use-machine-plan';
import { createSnapshot, planSnapshot } from './vm-snapshots.graphql';

const FIELDS = ['name', 'description', 'kind', 'quiesce', 'volumeIds'];

/** Asks what to take, shows what that would do, and takes it. Closes only when the API has taken it on. */
export function TakeSnapshotDialog({ machine, onClose }: { machine: MachineView; onClose: () => void }) {
  const [wish, setWish] = useState(NO_WISH);
  const input = toCreateInput(machine.id, wish);
  const planned = useMachinePlan(machine, { document: planSnapshot, input, read: (data) => data.planCreateVmSnapshot });
  const submission = useSubmission({ document: createSnapshot, read: (data) => data.createVmSnapshot.errors });
  const errors = withoutPlanChanged(submission.errors.length > 0 ? submission.errors : planned.errors);

  function change(next: SnapshotWish): void {
    setWish(next);
    submission.forget();
  }

  async function submit(): Promise<void> {
    // While the newest plan is still on its way, nothing particular was agreed to, so no hash is sent: typing a name and Enter must work.
    const answer = await submission.submit({ ...input, planHash: planned.isOld ? null : (planned.plan?.hash ?? null) });
    const changed = changedPlanIn(answer.errors);
    if (changed) planned.replace(changed);
    if (answer.isDone) onClose();
  }

  const isOff = machine.powerState === 'OFF';
  return (
    <ActionDialog
      title="Take snapshot"
      description={`Keeps this moment of ${machine.name}.${isOff ? '' : ' The machine runs on.'}`}
      preview={<PlanPreview planned={planned} isRefused={errors.length > 0} isOff={isOff} />}
      errors={elsewhere(errors, FIELDS)}
      submission={submission}
      confirm={{
        label: 'Take it',
        icon: <Camera size={15} aria-hidden />,
        unavailableBecause: wish.volumeIds?.length === 0 ? 'Choose at least one volume.' : undefined,
      }}
      onSubmit={submit}
      onClose={onClose}
    >
      <TakeSnapshotFields machine={machine} wish={wish} onChange={change} errorAt={(field) => messageAt(errors, field)} />
    </ActionDialog>
  );
}
