'use client';
import { Layers2, Unplug } from 'lucide-react';
import { useState } from 'react';
import type { VolumeRowFragment } from '../../generated/graphql';
import { useSubmission } from '../graphql/use-submission';
import { ActionDialog } from '../operations/ActionDialog';
import { Choice } from '../ui/Field';
import { formatBytes, formatCount } from '../ui/format';
import { detachVolume, flattenVolume } from './volumes.graphql';

type DialogProps = { volume: VolumeRowFragment; onClose: () => void };

/** Takes a volume off its machine and keeps it. */
export function DetachVolumeDialog({ volume, onClose }: DialogProps) {
  const submission = useSubmission({ document: detachVolume, read: (data) => data.detachVolume.errors });
  return (
    <ActionDialog
      title={`Detach ${volume.target ?? volume.name}`}
      errors={submission.errors}
      submission={submission}
      confirm={{ label: 'Detach', icon: <Unplug size={15} aria-hidden /> }}
      onSubmit={async () => {
        if ((await submission.submit({ volumeId: volume.id })).isDone) onClose();
      }}
      onClose={onClose}
    >
      <p className="text-ink-soft">
        The machine loses the disk {volume.name}; the volume and all of its content are kept. Unmount it inside the guest first.
      </p>
    </ActionDialog>
  );
}

/** Copies into the head what it reads from below, so that its chain is short. */
export function FlattenVolumeDialog({ volume, onClose }: DialogProps) {
  const [keepTemplate, setKeepTemplate] = useState(true);
  const submission = useSubmission({ document: flattenVolume, read: (data) => data.flattenVolume.errors });
  return (
    <ActionDialog
      title={`Flatten ${volume.target ?? volume.name}`}
      description={`Its head reads through ${formatCount(volume.chainLength, 'layer')} now.`}
      errors={submission.errors}
      submission={submission}
      confirm={{ label: 'Flatten', icon: <Layers2 size={15} aria-hidden /> }}
      onSubmit={async () => {
        if ((await submission.submit({ volumeId: volume.id, keepTemplate })).isDone) onClose();
      }}
      onClose={onClose}
    >
      <p className="text-ink-soft">
        Copies what the head reads from the layers below into the head itself, at most {formatBytes(volume.virtualBytes)}. Snapshots keep
        their layers and lose nothing.
      </p>
      <Choice
        label="Go on sharing the template"
        note="Copies only down to the template, if the volume has one. Otherwise all of it is copied."
        checked={keepTemplate}
        onChange={(event) => setKeepTemplate(event.target.checked)}
      />
    </ActionDialog>
  );
}
