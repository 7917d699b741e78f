'use client';
import { CopyPlus, LockKeyhole, LockKeyholeOpen, Pencil, Stamp, Trash2, Undo2 } from 'lucide-react';
import type { SnapshotNodeFragment } from '../../generated/graphql';
import { whyNot } from '../operations/availability';
import { Button } from '../ui/Button';
import { Notice } from '../ui/Notice';
import type { Asked } from './SnapshotDialogs';
import { useUpdateSnapshot } from './use-update-snapshot';

type ButtonsProps = { snapshot: SnapshotNodeFragment; onAsk: (asked: Asked) => void };

/** What can be done with one snapshot, each with its reason where it cannot. */
export function SnapshotButtons({ snapshot, onAsk }: ButtonsProps) {
  const { update, refusal, isBusy } = useUpdateSnapshot();
  const whyNoEdit = whyNot(snapshot.actions, 'UPDATE_VM_SNAPSHOT');
  return (
    <>
      <div className="flex flex-wrap gap-2">
        <Button
          icon={<Undo2 size={14} aria-hidden />}
          unavailableBecause={whyNot(snapshot.actions, 'REVERT_TO_VM_SNAPSHOT')}
          onClick={() => onAsk({ kind: 'revert', id: snapshot.id })}
        >
          Revert…
        </Button>
        <Button
          icon={<Trash2 size={14} aria-hidden />}
          unavailableBecause={whyNot(snapshot.actions, 'DELETE_VM_SNAPSHOT')}
          onClick={() => onAsk({ kind: 'delete', subject: { kind: 'chosen', ids: [snapshot.id] } })}
        >
          Delete…
        </Button>
        <Button
          icon={<CopyPlus size={14} aria-hidden />}
          unavailableBecause={whyNot(snapshot.actions, 'CLONE_VM_SNAPSHOT')}
          onClick={() => onAsk({ kind: 'clone', id: snapshot.id })}
        >
          Clone…
        </Button>
        <Button
          icon={<Stamp size={14} aria-hidden />}
          unavailableBecause={whyNot(snapshot.actions, 'CREATE_TEMPLATE')}
          onClick={() => onAsk({ kind: 'template', id: snapshot.id })}
        >
          Template…
        </Button>
        <Button
          icon={<Pencil size={14} aria-hidden />}
          aria-label="Edit"
          title={whyNoEdit === undefined ? 'Edit name and description' : undefined}
          unavailableBecause={whyNoEdit}
          onClick={() => onAsk({ kind: 'edit', id: snapshot.id })}
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
    </>
  );
}
