'use client';
import { Wrench } from 'lucide-react';
import { useState } from 'react';
import { whyNot } from '../operations/availability';
import { Button } from '../ui/Button';
import { Notice } from '../ui/Notice';
import { TimeAgo } from '../ui/TimeAgo';
import { DriftFindings } from './DriftFindings';
import { ReconcileDialog } from './ReconcileDialog';
import type { MachineView } from './use-live-machine';

type BannerProps = { machine: MachineView; drift: NonNullable<MachineView['drift']> };

/** Says that the host does not have what is recorded, what that means for the visitor, and leads to the way out. */
export function DriftBanner({ machine, drift }: BannerProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <Notice
      kind="warning"
      title="This machine is not as recorded"
      action={
        <Button
          icon={<Wrench size={14} aria-hidden />}
          unavailableBecause={whyNot(machine.actions, 'RECONCILE')}
          onClick={() => setOpen(true)}
          className="self-center"
        >
          Reconcile…
        </Button>
      }
    >
      <p className="mb-1.5">
        Its host has something else than Coppice recorded, seen <TimeAgo at={drift.detectedAt} />. Nothing is changed on it until it is
        reconciled.
      </p>
      <DriftFindings findings={drift.findings} />
      {isOpen && <ReconcileDialog machine={machine} drift={drift} onClose={() => setOpen(false)} />}
    </Notice>
  );
}
