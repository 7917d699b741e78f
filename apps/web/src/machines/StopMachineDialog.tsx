'use client';
import { Power } from 'lucide-react';
import { useState } from 'react';
import { useSubmission } from '../graphql/use-submission';
import { ActionDialog } from '../operations/ActionDialog';
import { Choice } from '../ui/Field';
import { stopMachine } from './machine-actions.graphql';
import type { MachineView } from './use-live-machine';

/** Asks how to stop a machine: as its owner would, or as a power cut would. */
export function StopMachineDialog({ machine, onClose }: { machine: MachineView; onClose: () => void }) {
  const [force, setForce] = useState(false);
  const submission = useSubmission({ document: stopMachine, read: (data) => data.stopVirtualMachine.errors });
  return (
    <ActionDialog
      title={`Stop ${machine.name}`}
      errors={submission.errors}
      submission={submission}
      confirm={{ label: force ? 'Cut the power' : 'Stop it', look: force ? 'danger' : 'primary', icon: <Power size={15} aria-hidden /> }}
      onSubmit={async () => {
        if ((await submission.submit({ virtualMachineId: machine.id, force })).isDone) onClose();
      }}
      onClose={onClose}
    >
      <Choice
        type="radio"
        name="how"
        label="Ask the guest to shut down"
        note="Its programs end and its file systems are put away, as when somebody presses the power button. A guest that does not answer runs on."
        checked={!force}
        onChange={() => setForce(false)}
      />
      <Choice
        type="radio"
        name="how"
        label="Cut its power"
        note="At once, whatever the guest is doing. What it has not written to its disks is lost."
        checked={force}
        onChange={() => setForce(true)}
      />
    </ActionDialog>
  );
}
