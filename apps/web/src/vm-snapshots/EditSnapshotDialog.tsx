'use client';
import { type FormEvent, useState } from 'react';
import type { SnapshotNodeFragment } from '../../generated/graphql';
import { Button } from '../ui/Button';
import { Dialog, DialogBody, DialogFooter } from '../ui/Dialog';
import { TextAreaField, TextField } from '../ui/Field';
import { Notice } from '../ui/Notice';
import { useUpdateSnapshot } from './use-update-snapshot';

/** Changes a snapshot's name and description. */
export function EditSnapshotDialog({ snapshot, onClose }: { snapshot: SnapshotNodeFragment; onClose: () => void }) {
  const [name, setName] = useState(snapshot.name);
  const [description, setDescription] = useState(snapshot.description ?? '');
  const { update, refusal, isBusy } = useUpdateSnapshot();
  const errorAt = (field: string) => (refusal?.field === field ? refusal.message : undefined);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (await update({ snapshotId: snapshot.id, name: name.trim(), description: description.trim() })) onClose();
  }

  return (
    <Dialog title="Edit snapshot" isOpen onOpenChange={(isOpen) => !isOpen && onClose()}>
      <form onSubmit={submit} className="contents">
        <DialogBody className="space-y-4">
          {refusal && errorAt('name') === undefined && errorAt('description') === undefined && (
            <Notice kind="error">{refusal.message}</Notice>
          )}
          <TextField label="Name" required value={name} onChange={(event) => setName(event.target.value)} error={errorAt('name')} />
          <TextAreaField
            label="Description"
            value={description}
            onChange={(event) => setDescription(event.target.value)}
            error={errorAt('description')}
          />
        </DialogBody>
        <DialogFooter>
          <Button look="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            look="primary"
            isBusy={isBusy}
            unavailableBecause={name.trim() === '' ? 'A snapshot needs a name.' : undefined}
          >
            Save
          </Button>
        </DialogFooter>
      </form>
    </Dialog>
  );
}
