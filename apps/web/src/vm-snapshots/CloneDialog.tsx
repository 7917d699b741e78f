'use client';
import { CopyPlus } from 'lucide-react';
import { useState } from 'react';
import type { SnapshotNodeFragment } from '../../generated/graphql';
import { useSubmission } from '../graphql/use-submission';
import type { MachineView } from '../machines/use-live-machine';
import { ActionDialog } from '../operations/ActionDialog';
import { elsewhere, messageAt } from '../operations/refusals';
import { Choice, TextField } from '../ui/Field';
import { cloneSnapshot } from './copies.graphql';

type CloneDialogProps = { machine: MachineView; snapshot: SnapshotNodeFragment; onClose: () => void };

type Wish = { name: string; linked: boolean; start: boolean };

/** Asks what the new machine shall be called and whether it shares layers, and makes it. */
export function CloneDialog({ machine, snapshot, onClose }: CloneDialogProps) {
  const [wish, setWish] = useState<Wish>({ name: `${machine.name}-${snapshot.name}`, linked: false, start: false });
  const submission = useSubmission({ document: cloneSnapshot, read: (data) => data.cloneVmSnapshot.errors });
  const name = wish.name.trim();

  function change(next: Partial<Wish>): void {
    setWish({ ...wish, ...next });
    submission.forget();
  }

  async function submit(): Promise<void> {
    const answer = await submission.submit({ ...wish, name, snapshotId: snapshot.id });
    if (answer.isDone) onClose();
  }

  return (
    <ActionDialog
      title={`Clone “${snapshot.name}”`}
      description={`Makes a new machine of what the disks of ${machine.name} held at that moment, with addresses of its own.`}
      errors={elsewhere(submission.errors, ['name'])}
      submission={submission}
      confirm={{
        label: 'Clone',
        icon: <CopyPlus size={15} aria-hidden />,
        unavailableBecause: name === '' ? 'A machine needs a name.' : undefined,
      }}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextField
        label="Name of the new machine"
        required
        value={wish.name}
        onChange={(event) => change({ name: event.target.value })}
        error={messageAt(submission.errors, 'name')}
      />
      <Choice
        label="Share layers with the snapshot"
        note="Takes no time and hardly any space. The two go on apart; layers that the clone reads stay, whatever is deleted. Otherwise every disk is copied, and the machine is busy until that is done."
        checked={wish.linked}
        onChange={(event) => change({ linked: event.target.checked })}
      />
      <Choice
        label="Start the new machine"
        note="It boots from the disks as they were, beside the other: addresses that are set inside the guest are the same."
        checked={wish.start}
        onChange={(event) => change({ start: event.target.checked })}
      />
      {snapshot.kind === 'DISK_AND_MEMORY' && <p className="text-ink-soft">The memory of this snapshot is not cloned, only its disks.</p>}
    </ActionDialog>
  );
}
