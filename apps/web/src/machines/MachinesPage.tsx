'use client';
import { Search, Server } from 'lucide-react';
import { useDeferredValue, useState } from 'react';
import { useViewer } from '../access/AppShell';
import { Button } from '../ui/Button';
import { formatCount } from '../ui/format';
import { EmptyState, FailedState } from '../ui/Notice';
import { SkeletonRows } from '../ui/Skeleton';
import { MachinesTable } from './MachinesTable';
import { type LiveMachines, useLiveMachines } from './use-live-machines';

/** All machines that the visitor may see, live. */
export function MachinesPage() {
  const [wanted, setWanted] = useState('');
  const keyword = useDeferredValue(wanted.trim());
  const machines = useLiveMachines(keyword);
  return (
    <div className="space-y-4">
      <div className="flex flex-wrap items-center gap-3">
        <h1 className="text-xl font-semibold tracking-tight">Machines</h1>
        {machines.listed && <p className="figures text-ink-faint">{formatCount(machines.listed.totalCount, 'machine')}</p>}
        <label className="relative ml-auto w-full sm:w-72">
          <span className="sr-only">Find by name</span>
          <Search size={15} aria-hidden className="absolute top-1/2 left-2.5 -translate-y-1/2 text-ink-faint" />
          <input
            type="search"
            placeholder="Find by name"
            value={wanted}
            onChange={(event) => setWanted(event.target.value)}
            className="h-9 w-full rounded-md border border-line-strong bg-surface pr-2 pl-8 placeholder:text-ink-faint"
          />
        </label>
      </div>
      <div className="card overflow-hidden">
        <Content machines={machines} />
      </div>
      {machines.listed && machines.listed.rows.length < machines.listed.totalCount && (
        <p className="text-ink-faint">
          Shown are the first {machines.listed.rows.length} of {machines.listed.totalCount}. Type a part of a name to find the others.
        </p>
      )}
    </div>
  );
}

function Content({ machines: { listed, problem, reload } }: { machines: LiveMachines }) {
  const viewer = useViewer();
  if (listed && listed.rows.length > 0)
    return <MachinesTable rows={listed.rows} showsProject={viewer.isAdmin || viewer.projects.length > 1} />;
  if (listed && listed.keyword !== '') {
    return (
      <EmptyState icon={<Search size={20} aria-hidden />} title={`No machine has “${listed.keyword}” in its name`}>
        Check the spelling, or clear the search.
      </EmptyState>
    );
  }
  if (listed) {
    return (
      <EmptyState icon={<Server size={20} aria-hidden />} title="No machines yet">
        {viewer.isAdmin
          ? 'Machines appear here when a host with an agent reports them and they are assigned to a project.'
          : 'Machines appear here when an administrator has assigned them to your project.'}
      </EmptyState>
    );
  }
  if (problem?.kind === 'failed') {
    return (
      <FailedState title="The machines could not be read" action={<Button onClick={reload}>Try again</Button>}>
        {problem.message}
      </FailedState>
    );
  }
  return <SkeletonRows label="Loading the machines" rows={6} />;
}
