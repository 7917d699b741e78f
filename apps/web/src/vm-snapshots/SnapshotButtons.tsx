'use client';
import { LockKeyhole, LockKeyholeOpen, Pencil, Trash2, Undo2 } from 'lucide-react';
import { useState } from 'react';
import type { SnapshotNodeFragment } from '../../generated/graphql';
import type { MachineView, SnapshotTreeView } from '../machines/use-live-machine';
import { whyNot } from '../operations/availability';
import { Button } from '../ui/Button';
import { Notice } from '../ui/Notice';
import { EditSnapshotDialog } from './EditSnapshotDialog';
import { RevertDialog } from './RevertDialog';
import { useUpdateSnapshot } from './use-update-snapshot';

type ButtonsProps = { machine: MachineView; tree: SnapshotTreeView; snapshot: SnapshotNodeFragment; onDelete: () => void };

/** What can be done with one snapshot, each with its reason where it cannot. */
export function SnapshotButtons({ machine, tree, snapshot, onDelete }: ButtonsProps) {
  const [open, setOpen] = useState<'edit' | 'revert' | null>(null);
  const { update, refusal, isBusy } = useUpdateSnapshot();
  const whyNoEdit = whyNot(snapshot.actions, 'UPDATE_VM_SNAPSHOT');
  return (
    <>
      <div className="flex flex-wrap gap-2">
        <Button
          icon={<Undo2 size={14} aria-hidden />}
          unavailableBecause={whyNot(snapshot.actions, 'REVERT_TO_VM_SNAPSHOT')}
          onClick={() => setOpen('revert')}
        >
          Revert…
        </Button>
        <Button
          icon={<Trash2 size={14} aria-hidden />}
          unavailableBecause={whyNot(snapshot.actions, 'DELETE_VM_SNAPSHOT')}
          onClick={onDelete}
        >
          Delete…
        </Button>
        <Button
          icon={<Pencil size={14} aria-hidden />}
          aria-label="Edit"
          title={whyNoEdit === undefined ? 'Edit name and description' : undefined}
          unavailableBecause={whyNoEdit}
          onClick={() => setOpen('edit')}
          className="ml-auto w-8 !px-0"
        />
        <Button
          icon={snapshot.locked ? <LockKeyholeOpen size={14} aria-hidden /> : <LockKeyhole size={14} aria-hidden />}
          unavailableBecause={whyNoEdit}
          isBusy={isBusy}
          aria-label={snapshot.locked ? 'Unlock' : 'Lock'}
          title={whyNoEdit !== undefined ? undefined : snapshot.locked ? 'Allow it to be deleted again' : 'Keep it from being deleted'}
          onClick={() => void update({ snapshotId: snapshot.id, locked: !snapshot.locked })}
          className="w-8 !px-0"
        />
      </div>
      {refusal && <Notice kind="error">{refusal.message}</Notice>}
      {open === 'edit' && <EditSnapshotDialog snapshot={snapshot} onClose={() => setOpen(null)} />}
      {open === 'revert' && <RevertDialog machine={machine} tree={tree} snapshot={snapshot} onClose={() => setOpen(null)} />}
    </>
  );
}
