'use client';
import { Trash2 } from 'lucide-react';
import { useState } from 'react';
import { useSubmission } from '../graphql/use-submission';
import { ActionDialog } from '../operations/ActionDialog';
import { TextField } from '../ui/Field';
import { formatCount } from '../ui/format';
import { Notice } from '../ui/Notice';
import { destroyMachine } from './machine-actions.graphql';
import type { MachineView } from './use-live-machine';

/** Destroys a machine, once its name has been typed: nothing else here takes so much away. */
export function DestroyMachineDialog({ machine, onClose }: { machine: MachineView; onClose: () => void }) {
  const [typed, setTyped] = useState('');
  const submission = useSubmission({ document: destroyMachine, read: (data) => data.destroyVirtualMachine.errors });
  const snapshots = machine.snapshotTree.nodes.length;
  return (
    <ActionDialog
      title={`Destroy ${machine.name}`}
      errors={submission.errors}
      submission={submission}
      confirm={{
        label: 'Destroy it',
        look: 'danger',
        icon: <Trash2 size={15} aria-hidden />,
        unavailableBecause: typed.trim() === machine.name ? undefined : `Type ${machine.name} to say that you mean it.`,
      }}
      onSubmit={async () => {
        if ((await submission.submit({ virtualMachineId: machine.id })).isDone) onClose();
      }}
      onClose={onClose}
    >
      <Notice kind="error" title="This cannot be undone">
        The machine{machine.powerState === 'OFF' ? ' goes' : ' is switched off and goes'}
        {snapshots > 0 ? `, and so do its ${formatCount(snapshots, 'snapshot')}` : ''}, with {formatCount(machine.volumes.length, 'disk')}:{' '}
        {machine.volumes.map(({ target, name }) => target ?? name).join(', ')}.
      </Notice>
      <TextField
        label={`Type “${machine.name}”`}
        autoComplete="off"
        spellCheck={false}
        autoFocus
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
    </ActionDialog>
  );
}
