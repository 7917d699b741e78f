'use client';
import { ServerOff } from 'lucide-react';
import Link from 'next/link';
import { useEffect } from 'react';
import { OperationPanel } from '../operations/OperationPanel';
import { Button } from '../ui/Button';
import { EmptyState, FailedState } from '../ui/Notice';
import { Skeleton, SkeletonRows } from '../ui/Skeleton';
import { SnapshotTreeSection } from '../vm-snapshots/SnapshotTreeSection';
import { DriftBanner } from './DriftBanner';
import { MachineHeader } from './MachineHeader';
import { MachineLists } from './MachineLists';
import { type LiveMachine, useLiveMachine } from './use-live-machine';

/** One machine: its state, what runs on it now, its snapshot tree, and its lists. */
export function MachinePage({ id }: { id: string }) {
  const live = useLiveMachine(id);
  const name = live.status === 'ready' ? live.machine.name : undefined;
  useEffect(() => {
    if (name !== undefined) document.title = `${name} · Coppice`;
  }, [name]);

  if (live.status === 'ready') return <Ready live={live} />;
  if (live.status === 'missing') return <Missing />;
  if (live.status === 'failed' && live.problem.kind === 'failed') {
    return (
      <FailedState title="The machine could not be read" action={<Button onClick={live.reload}>Try again</Button>}>
        {live.problem.message}
      </FailedState>
    );
  }
  return <Loading />;
}

function Ready({ live: { machine, tree, operationId } }: { live: Extract<LiveMachine, { status: 'ready' }> }) {
  return (
    <div className="space-y-4">
      <MachineHeader machine={machine} snapshotCount={tree.nodes.size} />
      {machine.drift && <DriftBanner machine={machine} drift={machine.drift} />}
      {operationId !== null && <OperationPanel key={operationId} operationId={operationId} />}
      <SnapshotTreeSection machine={machine} tree={tree} below={<MachineLists machine={machine} />} />
    </div>
  );
}

function Missing() {
  return (
    <div className="card">
      <EmptyState
        icon={<ServerOff size={20} aria-hidden />}
        title="There is no such machine"
        action={
          <Link href="/machines" className="font-medium text-accent underline">
            Go to the machines
          </Link>
        }
      >
        It may be gone, or it belongs to a project that you are not a member of.
      </EmptyState>
    </div>
  );
}

function Loading() {
  return (
    <div className="space-y-4">
      <Skeleton className="h-4 w-24" />
      <Skeleton className="h-7 w-56" />
      <div className="card">
        <SkeletonRows label="Loading the machine" rows={7} />
      </div>
    </div>
  );
}
