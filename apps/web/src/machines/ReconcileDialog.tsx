'use client';
import { Wrench } from 'lucide-react';
import { useState } from 'react';
import type { ReconcileAction } from '../../generated/graphql';
import { useViewer } from '../access/AppShell';
import { useSubmission } from '../graphql/use-submission';
import { ActionDialog } from '../operations/ActionDialog';
import { Choice } from '../ui/Field';
import { DriftFindings } from './DriftFindings';
import { reconcileMachine } from './machine-actions.graphql';
import type { MachineView } from './use-live-machine';

type ReconcileProps = { machine: MachineView; drift: NonNullable<MachineView['drift']>; onClose: () => void };

/** Brings a drifted machine and its record together again: what the host has becomes the record, or the host is put back. */
export function ReconcileDialog({ machine, drift, onClose }: ReconcileProps) {
  const [action, setAction] = useState<ReconcileAction>('ADOPT');
  const submission = useSubmission({ document: reconcileMachine, read: (data) => data.reconcileVirtualMachine.errors });
  const { isAdmin } = useViewer();
  const isRepairable = drift.findings.every(({ repairable }) => repairable);
  return (
    <ActionDialog
      title={`Reconcile ${machine.name}`}
      errors={submission.errors}
      submission={submission}
      confirm={{ label: action === 'ADOPT' ? 'Adopt what the host has' : 'Repair the definition', icon: <Wrench size={15} aria-hidden /> }}
      onSubmit={async () => {
        if ((await submission.submit({ virtualMachineId: machine.id, action })).isDone) onClose();
      }}
      onClose={onClose}
    >
      <DriftFindings findings={drift.findings} showsRepair />
      <fieldset className="space-y-2.5">
        <legend className="mb-1 font-medium">What is right?</legend>
        <Choice
          type="radio"
          name="action"
          label="What the host has: adopt it"
          note="The record is changed to it. No data is deleted."
          checked={action === 'ADOPT'}
          onChange={() => setAction('ADOPT')}
        />
        <Choice
          type="radio"
          name="action"
          label="What is recorded: repair the definition"
          note="The machine’s definition on the host is put back to the record. No data is deleted."
          unavailableBecause={
            !isAdmin
              ? 'Only an administrator may change a definition on a host.'
              : isRepairable
                ? undefined
                : 'Some of it cannot be repaired from here.'
          }
          checked={action === 'REPAIR'}
          onChange={() => setAction('REPAIR')}
        />
      </fieldset>
    </ActionDialog>
  );
}
