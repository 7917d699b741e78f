'use client';
import { PlugZap } from 'lucide-react';
import { useState } from 'react';
import { useLoad } from '../graphql/use-load';
import { useSubmission } from '../graphql/use-submission';
import { ActionDialog } from '../operations/ActionDialog';
import { Choice } from '../ui/Field';
import { formatBytes } from '../ui/format';
import { Notice } from '../ui/Notice';
import { SkeletonRows } from '../ui/Skeleton';
import { attachVolume, loadDetached } from './volumes.graphql';

/** The API gives at most 100 a page. */
const SHOWN_MAX = 100;

type AttachProps = { machine: { id: string; name: string; project?: { id: string } | null | undefined }; onClose: () => void };

/** Attaches a volume of the same project that no machine has. */
export function AttachVolumeDialog({ machine, onClose }: AttachProps) {
  const [volumeId, setVolumeId] = useState<string | null>(null);
  const filter = { attached: false, projectId: machine.project?.id ?? null };
  const { data, problem } = useLoad({ document: loadDetached, variables: { first: SHOWN_MAX, filter } });
  const submission = useSubmission({ document: attachVolume, read: (answer) => answer.attachVolume.errors });
  const volumes = data?.volumes.nodes ?? [];
  return (
    <ActionDialog
      title={`Attach a volume to ${machine.name}`}
      errors={submission.errors}
      submission={submission}
      confirm={{
        label: 'Attach',
        icon: <PlugZap size={15} aria-hidden />,
        unavailableBecause: volumeId === null ? 'Choose a volume first.' : undefined,
      }}
      onSubmit={async () => {
        if (volumeId !== null && (await submission.submit({ virtualMachineId: machine.id, volumeId })).isDone) onClose();
      }}
      onClose={onClose}
    >
      {problem && <Notice kind="error">{problem.message}</Notice>}
      {!data && !problem && <SkeletonRows label="Loading the volumes" rows={2} />}
      {data && volumes.length === 0 && <p className="text-ink-soft">No volume of this project is detached now.</p>}
      {volumes.length > 0 && (
        <fieldset className="space-y-2.5">
          <legend className="mb-1 font-medium">Which volume</legend>
          {volumes.map((volume) => (
            <Choice
              key={volume.id}
              type="radio"
              name="volume"
              label={volume.name}
              note={`${formatBytes(volume.virtualBytes)} in ${volume.pool.name}`}
              checked={volume.id === volumeId}
              onChange={() => setVolumeId(volume.id)}
            />
          ))}
        </fieldset>
      )}
    </ActionDialog>
  );
}
