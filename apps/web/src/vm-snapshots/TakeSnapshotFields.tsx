'use client';
import { whyNoQuiesce } from '../machines/machine-words';
import type { MachineView } from '../machines/use-live-machine';
import { Choice, TextAreaField, TextField } from '../ui/Field';
import { formatBytes } from '../ui/format';
import { type SnapshotWish, whyNoMemory } from './snapshot-wish';
import { VolumeChoice } from './VolumeChoice';

type FieldsProps = {
  machine: MachineView;
  wish: SnapshotWish;
  onChange: (wish: SnapshotWish) => void;
  errorAt: (field: string) => string | undefined;
};

/** What a new snapshot is called and what it covers. */
export function TakeSnapshotFields({ machine, wish, onChange, errorAt }: FieldsProps) {
  return (
    <>
      <TextField
        label="Name"
        autoFocus
        autoComplete="off"
        placeholder="before the upgrade"
        hint="Left empty, Coppice finds one."
        value={wish.name}
        onChange={(event) => onChange({ ...wish, name: event.target.value })}
        error={errorAt('name')}
      />
      <TextAreaField
        label="Description"
        rows={2}
        value={wish.description}
        onChange={(event) => onChange({ ...wish, description: event.target.value })}
        error={errorAt('description')}
      />
      <KindChoice machine={machine} wish={wish} onChange={onChange} error={errorAt('kind')} />
      {wish.kind === 'DISK' && (
        <>
          <Choice
            label="Quiesce the guest"
            note="Freezes its file systems through the guest agent for the moment of the snapshot, at most some seconds, so that they are clean inside it. If that fails, no snapshot is taken."
            unavailableBecause={whyNoQuiesce(machine)}
            checked={wish.isQuiesced}
            onChange={(event) => onChange({ ...wish, isQuiesced: event.target.checked })}
            error={errorAt('quiesce')}
          />
          <VolumeChoice
            volumes={machine.volumes}
            chosenIds={wish.volumeIds}
            onChange={(volumeIds) => onChange({ ...wish, volumeIds })}
            error={errorAt('volumeIds')}
          />
        </>
      )}
    </>
  );
}

type KindProps = Omit<FieldsProps, 'errorAt'> & { error: string | undefined };

function KindChoice({ machine, wish, onChange, error }: KindProps) {
  return (
    <fieldset className="space-y-2">
      <legend className="mb-1 font-medium">Keep</legend>
      <Choice
        type="radio"
        name="kind"
        label="The disks"
        note="Quick, and small at first. After a revert the guest boots anew."
        checked={wish.kind === 'DISK'}
        onChange={() => onChange({ ...wish, kind: 'DISK' })}
      />
      <Choice
        type="radio"
        name="kind"
        label="The disks and the memory"
        note={`After a revert the guest goes on where it was. Writes up to ${formatBytes(machine.memoryBytes)} while the guest runs on, slower. Covers all volumes.`}
        checked={wish.kind === 'DISK_AND_MEMORY'}
        onChange={() => onChange({ ...wish, kind: 'DISK_AND_MEMORY' })}
        unavailableBecause={whyNoMemory(machine)}
        error={error}
      />
    </fieldset>
  );
}
