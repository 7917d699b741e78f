'use client';
import { Copy, Trash2 } from 'lucide-react';
import { useState } from 'react';
import type { VolumeSnapshotRowFragment } from '../../generated/graphql';
import { useLoad } from '../graphql/use-load';
import { useStream } from '../graphql/use-stream';
import type { MachineView } from '../machines/use-live-machine';
import { whyNoneOf, whyNot } from '../operations/availability';
import { Badge } from '../ui/Badge';
import { Button } from '../ui/Button';
import { formatBytes } from '../ui/format';
import { EmptyState, FailedState } from '../ui/Notice';
import { SkeletonRows } from '../ui/Skeleton';
import { TimeAgo } from '../ui/TimeAgo';
import { sayConsistency } from '../vm-snapshots/snapshot-words';
import { isWhole, sayVolumeSnapshotState } from './volume-snapshot-words';
import { loadVolumeSnapshots, watchVolumeSnapshots } from './volume-snapshots.graphql';
import { DeleteVolumeSnapshotDialog, TakeVolumeSnapshotDialog } from './VolumeSnapshotDialogs';

/** The API gives at most 100 a page. */
const SHOWN_MAX = 100;

/** Copies of single disks that were taken of a machine, newest first; they outlive it. */
export function VolumeSnapshotList({ machine }: { machine: MachineView }) {
  const [isTaking, setIsTaking] = useState(false);
  const { data, problem, reload } = useLoad({
    document: loadVolumeSnapshots,
    variables: { virtualMachineId: machine.id, first: SHOWN_MAX },
  });
  useStream({
    document: watchVolumeSnapshots,
    variables: { virtualMachineId: machine.id },
    from: data && { read: data, cursor: data.cursor },
    cursorOf: (event) => event.stateTransitions.cursor,
    onData: ({ stateTransitions: { event } }) => {
      if (event) reload();
    },
    onGap: reload,
  });
  if (!data && problem?.kind === 'failed') {
    return (
      <FailedState title="The volume snapshots could not be read" action={<Button onClick={reload}>Try again</Button>}>
        {problem.message}
      </FailedState>
    );
  }
  if (!data) return <SkeletonRows label="Loading the volume snapshots" />;
  const { nodes, totalCount } = data.volumeSnapshots;
  const whyNone = machine.volumes.length === 0 ? 'The machine has no disk.' : whyNoneOf(machine.volumes, 'CREATE_VOLUME_SNAPSHOT');
  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 border-b border-line px-4 py-2.5">
        <p className="text-[12.5px] text-ink-faint">Each is a whole copy of one disk, outside the machine’s chain.</p>
        <Button icon={<Copy size={15} aria-hidden />} unavailableBecause={whyNone} onClick={() => setIsTaking(true)}>
          Take volume snapshot
        </Button>
      </div>
      {nodes.length === 0 ? <None /> : <Rows snapshots={nodes} />}
      {nodes.length < totalCount && (
        <p className="figures border-t border-line px-4 py-2.5 text-[12.5px] text-ink-faint">
          The newest {nodes.length} of {totalCount}.
        </p>
      )}
      {isTaking && <TakeVolumeSnapshotDialog machine={machine} onClose={() => setIsTaking(false)} />}
    </>
  );
}

function None() {
  return (
    <EmptyState icon={<Copy size={20} aria-hidden />} title="No volume snapshots yet">
      A volume snapshot keeps one disk as it is now, and stays when the machine goes.
    </EmptyState>
  );
}

function Rows({ snapshots }: { snapshots: readonly VolumeSnapshotRowFragment[] }) {
  return (
    <ul aria-label="Volume snapshots" className="divide-y divide-line">
      {snapshots.map((snapshot) => (
        <Row key={snapshot.id} snapshot={snapshot} />
      ))}
    </ul>
  );
}

function Row({ snapshot }: { snapshot: VolumeSnapshotRowFragment }) {
  const [isDeleting, setIsDeleting] = useState(false);
  const { label, tone } = sayVolumeSnapshotState(snapshot.state);
  const consistency = sayConsistency(snapshot.consistency);
  return (
    <li className="px-4 py-2">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
        <span className="min-w-40 flex-1 truncate font-medium">{snapshot.name}</span>
        <span className="w-12 font-mono text-[13px] text-ink-soft">{snapshot.volume ? (snapshot.volume.target ?? '–') : 'gone'}</span>
        <Badge tone={tone} hasDot>
          {label}
        </Badge>
        {isWhole(snapshot.state) && <Badge title={consistency.meaning}>{consistency.label}</Badge>}
        <span className="figures text-right sm:w-44">
          {isWhole(snapshot.state) ? formatBytes(snapshot.physicalBytes) : '–'}{' '}
          <span className="text-ink-faint">of {formatBytes(snapshot.virtualBytes)}</span>
        </span>
        <span className="text-right text-ink-faint sm:w-24">
          <TimeAgo at={snapshot.createdAt} />
        </span>
        <Button
          look="quiet"
          icon={<Trash2 size={15} aria-hidden />}
          aria-label={`Delete ${snapshot.name}`}
          unavailableBecause={whyNot(snapshot.actions, 'DELETE_VOLUME_SNAPSHOT')}
          onClick={() => setIsDeleting(true)}
        >
          Delete
        </Button>
      </div>
      {snapshot.error && (
        <p className="text-[12.5px] text-bad">
          {snapshot.error.message} {snapshot.error.hint}
        </p>
      )}
      {isDeleting && <DeleteVolumeSnapshotDialog snapshot={snapshot} onClose={() => setIsDeleting(false)} />}
    </li>
  );
}
