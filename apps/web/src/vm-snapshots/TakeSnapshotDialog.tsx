'use client';
import { Camera } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { whyNoQuiesce } from '../machines/machine-words';
import type { MachineView } from '../machines/use-live-machine';
import { PlanPreview } from '../operations/PlanPreview';
import { RefusalNotices } from '../operations/RefusalNotices';
import { Button } from '../ui/Button';
import { Dialog, DialogBody, DialogFooter } from '../ui/Dialog';
import { Choice, TextAreaField, TextField } from '../ui/Field';
import { Notice } from '../ui/Notice';
import { elsewhere, messageAt } from './refusals';
import { type SnapshotWish, type Submission, usePlan, useTakeSnapshot } from './use-take-snapshot';
import { VolumeChoice } from './VolumeChoice';

const FIELDS = ['name', 'description', 'quiesce', 'volumeIds'];
const EMPTY: SnapshotWish = { name: '', description: '', isQuiesced: false, volumeIds: null };

/** Asks what to take, shows what that would do, and takes it. Closes only when the API has taken it on. */
export function TakeSnapshotDialog({ machine, onClose }: { machine: MachineView; onClose: () => void }) {
  const [wish, setWish] = useState(EMPTY);
  const planned = usePlan(machine, wish);
  const submission = useTakeSnapshot(machine.id);
  const errors = submission.errors.length > 0 ? submission.errors : planned.errors;
  const plan = submission.changedPlan ?? planned.plan;

  function change(next: SnapshotWish): void {
    setWish(next);
    submission.forget();
  }

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    // While the newest plan is still on its way, nothing particular was agreed to, so no hash is sent.
    if (await submission.submit(wish, planned.isOld ? null : (plan?.hash ?? null))) onClose();
  }

  return (
    <Dialog
      title="Take snapshot"
      description={`Keeps this moment of ${machine.name}.${machine.powerState === 'OFF' ? '' : ' The machine runs on.'}`}
      shape="wide"
      isOpen
      onOpenChange={(isOpen) => !isOpen && onClose()}
    >
      <form onSubmit={submit} className="contents" noValidate>
        <DialogBody className="grid gap-x-8 gap-y-5 md:grid-cols-[minmax(0,1fr)_minmax(0,1fr)]">
          <div className="space-y-4">
            <Unanswered submission={submission} />
            <RefusalNotices errors={elsewhere(errors, FIELDS)} />
            <Fields machine={machine} wish={wish} onChange={change} errorAt={(field) => messageAt(errors, field)} />
          </div>
          <PlanPreview plan={plan} isOld={planned.isOld} problem={planned.problem} isRefused={errors.length > 0} />
        </DialogBody>
        <DialogFooter>
          <Button look="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            look="primary"
            icon={<Camera size={15} aria-hidden />}
            isBusy={submission.isBusy}
            unavailableBecause={wish.volumeIds?.length === 0 ? 'Choose at least one volume.' : undefined}
          >
            {submission.isBusy ? 'Asking…' : submission.problem ? 'Try again' : 'Take it'}
          </Button>
        </DialogFooter>
      </form>
    </Dialog>
  );
}

function Unanswered({ submission: { problem } }: { submission: Submission }) {
  if (problem === undefined) return null;
  if (problem.kind === 'unreachable') {
    return (
      <Notice kind="error" title="No answer came">
        The snapshot may or may not be on its way. Trying again is safe: it is the same request, and it is carried out once.
      </Notice>
    );
  }
  return <Notice kind="error">{problem.message}</Notice>;
}

type FieldsProps = {
  machine: MachineView;
  wish: SnapshotWish;
  onChange: (wish: SnapshotWish) => void;
  errorAt: (field: string) => string | undefined;
};

function Fields({ machine, wish, onChange, errorAt }: FieldsProps) {
  return (
    <>
      <TextField
        label="Name"
        autoFocus
        autoComplete="off"
        placeholder="before the upgrade"
        hint="Left empty, Coppice finds one."
        value={wish.name}
        onChange={(event) => onChange({ ...wish, name: event.target.value })}
        error={errorAt('name')}
      />
      <TextAreaField
        label="Description"
        rows={2}
        value={wish.description}
        onChange={(event) => onChange({ ...wish, description: event.target.value })}
        error={errorAt('description')}
      />
      <Choice
        label="Quiesce the guest"
        note="Freezes its file systems through the guest agent for the moment of the snapshot, at most some seconds, so that they are clean inside it. If that fails, no snapshot is taken."
        unavailableBecause={whyNoQuiesce(machine)}
        checked={wish.isQuiesced}
        onChange={(event) => onChange({ ...wish, isQuiesced: event.target.checked })}
        error={errorAt('quiesce')}
      />
      <VolumeChoice
        volumes={machine.volumes}
        chosenIds={wish.volumeIds}
        onChange={(volumeIds) => onChange({ ...wish, volumeIds })}
        error={errorAt('volumeIds')}
      />
    </>
  );
}
