'use client';
import { Copy, Trash2 } from 'lucide-react';
import { useState } from 'react';
import type { VolumeRowFragment, VolumeSnapshotRowFragment } from '../../generated/graphql';
import { useSubmission } from '../graphql/use-submission';
import { whyNoQuiesce } from '../machines/machine-words';
import type { MachineView } from '../machines/use-live-machine';
import { ActionDialog } from '../operations/ActionDialog';
import { whyNot } from '../operations/availability';
import { elsewhere, messageAt } from '../operations/refusals';
import { Choice, TextField } from '../ui/Field';
import { formatBytes } from '../ui/format';
import { createVolumeSnapshot, deleteVolumeSnapshot } from './volume-snapshots.graphql';

const FIELDS = ['name', 'quiesce', 'volumeId'];

type TakeProps = { machine: MachineView; onClose: () => void };

/** Copies what one disk shows now into a file of its own. */
export function TakeVolumeSnapshotDialog({ machine, onClose }: TakeProps) {
  const [volumeId, setVolumeId] = useState(() => firstFree(machine.volumes)?.id ?? null);
  const [name, setName] = useState('');
  const [isQuiesced, setIsQuiesced] = useState(false);
  const submission = useSubmission({ document: createVolumeSnapshot, read: (data) => data.createVolumeSnapshot.errors });
  const { errors } = submission;
  const isOff = machine.powerState === 'OFF';
  async function submit(): Promise<void> {
    if (volumeId === null) return;
    const input = { volumeId, quiesce: isQuiesced, name: name.trim() === '' ? null : name.trim() };
    if ((await submission.submit(input)).isDone) onClose();
  }
  return (
    <ActionDialog
      title="Take volume snapshot"
      description={`Copies one disk of ${machine.name} as it is now into a file of its own.${isOff ? '' : ' The machine runs on.'}`}
      errors={elsewhere(errors, FIELDS)}
      submission={submission}
      confirm={{
        label: 'Take it',
        icon: <Copy size={15} aria-hidden />,
        unavailableBecause: volumeId === null ? 'No disk of the machine can be copied now.' : undefined,
      }}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextField
        label="Name"
        autoFocus
        autoComplete="off"
        hint="Left empty, Coppice finds one."
        value={name}
        onChange={(event) => setName(event.target.value)}
        error={messageAt(errors, 'name')}
      />
      <DiskChoice volumes={machine.volumes} chosenId={volumeId} onChange={setVolumeId} error={messageAt(errors, 'volumeId')} />
      {!isOff && (
        <Choice
          label="Quiesce the guest"
          note="Freezes its file systems for the moment of the snapshot, so that they are clean inside it. If that fails, none is taken."
          unavailableBecause={whyNoQuiesce(machine)}
          checked={isQuiesced}
          onChange={(event) => setIsQuiesced(event.target.checked)}
          error={messageAt(errors, 'quiesce')}
        />
      )}
    </ActionDialog>
  );
}

function firstFree(volumes: readonly VolumeRowFragment[]): VolumeRowFragment | undefined {
  return volumes.find(({ actions }) => whyNot(actions, 'CREATE_VOLUME_SNAPSHOT') === undefined);
}

type DiskChoiceProps = {
  volumes: readonly VolumeRowFragment[];
  chosenId: string | null;
  onChange: (id: string) => void;
  error: string | undefined;
};

function DiskChoice({ volumes, chosenId, onChange, error }: DiskChoiceProps) {
  return (
    <fieldset className="space-y-2">
      <legend className="mb-1 font-medium">Which disk</legend>
      {volumes.map((volume) => (
        <Choice
          key={volume.id}
          type="radio"
          name="volume"
          label={`${volume.target ?? '–'} ${volume.name}`}
          note={`At most ${formatBytes(volume.virtualBytes)}, in the pool ${volume.pool.name}`}
          checked={volume.id === chosenId}
          onChange={() => onChange(volume.id)}
          unavailableBecause={whyNot(volume.actions, 'CREATE_VOLUME_SNAPSHOT')}
          error={volume.id === chosenId ? error : undefined}
        />
      ))}
    </fieldset>
  );
}

type DeleteProps = { snapshot: VolumeSnapshotRowFragment; onClose: () => void };

/** Removes a volume snapshot for ever. */
export function DeleteVolumeSnapshotDialog({ snapshot, onClose }: DeleteProps) {
  const submission = useSubmission({ document: deleteVolumeSnapshot, read: (data) => data.deleteVolumeSnapshot.errors });
  return (
    <ActionDialog
      title={`Delete ${snapshot.name}`}
      errors={submission.errors}
      submission={submission}
      confirm={{ label: 'Delete', look: 'danger', icon: <Trash2 size={15} aria-hidden /> }}
      onSubmit={async () => {
        if ((await submission.submit({ snapshotId: snapshot.id })).isDone) onClose();
      }}
      onClose={onClose}
    >
      <p className="text-ink-soft">
        Its file goes for good and frees {formatBytes(snapshot.physicalBytes)}. The machine, its disks and its other snapshots lose nothing.
      </p>
    </ActionDialog>
  );
}
