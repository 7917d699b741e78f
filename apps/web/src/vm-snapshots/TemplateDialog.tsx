'use client';
import { Stamp } from 'lucide-react';
import { useState } from 'react';
import type { SnapshotNodeFragment } from '../../generated/graphql';
import { useSubmission } from '../graphql/use-submission';
import type { MachineView } from '../machines/use-live-machine';
import { ActionDialog } from '../operations/ActionDialog';
import { elsewhere, messageAt } from '../operations/refusals';
import { TextField } from '../ui/Field';
import { createTemplate } from './copies.graphql';

type TemplateDialogProps = { machine: MachineView; snapshot: SnapshotNodeFragment; onClose: () => void };

/** Asks what the template shall be called, and makes it. */
export function TemplateDialog({ machine, snapshot, onClose }: TemplateDialogProps) {
  const [name, setName] = useState(`${machine.name}-${snapshot.name}`);
  const submission = useSubmission({ document: createTemplate, read: (data) => data.createTemplate.errors });

  async function submit(): Promise<void> {
    const answer = await submission.submit({ name: name.trim(), vmSnapshotId: snapshot.id });
    if (answer.isDone) onClose();
  }

  return (
    <ActionDialog
      title={`Make a template of “${snapshot.name}”`}
      description={`Copies what the disks of ${machine.name} held at that moment into files that nobody writes any more. The machine is busy until that is done.`}
      errors={elsewhere(submission.errors, ['name'])}
      submission={submission}
      confirm={{
        label: 'Make template',
        icon: <Stamp size={15} aria-hidden />,
        unavailableBecause: name.trim() === '' ? 'A template needs a name.' : undefined,
      }}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextField
        label="Name of the template"
        required
        value={name}
        onChange={(event) => {
          setName(event.target.value);
          submission.forget();
        }}
        error={messageAt(submission.errors, 'name')}
      />
    </ActionDialog>
  );
}
