import { ChevronRight, TriangleAlert } from 'lucide-react';
import Link from 'next/link';
import type { MachineRowFragment } from '../../generated/graphql';
import { Badge } from '../ui/Badge';
import { formatBytes } from '../ui/format';
import { TimeAgo } from '../ui/TimeAgo';
import { machinePath } from './machine-path';
import { sayMachineState } from './machine-words';

/** One row a machine; on a narrow screen the columns fold under the name. */
export function MachinesTable({ rows, showsProject }: { rows: MachineRowFragment[]; showsProject: boolean }) {
  return (
    <table className="w-full text-left">
      <thead className="bg-sunken text-[12px] text-ink-faint max-md:hidden">
        <tr>
          <th className="py-2 pr-3 pl-4 font-medium">Name</th>
          {showsProject && <th className="px-3 font-medium">Project</th>}
          <th className="px-3 font-medium">Host</th>
          <th className="px-3 font-medium">State</th>
          <th className="px-3 text-right font-medium">Snapshots</th>
          <th className="px-3 font-medium">Last snapshot</th>
          <th className="px-3 text-right font-medium">Disks</th>
          <th className="w-8" />
        </tr>
      </thead>
      <tbody className="divide-y divide-line">
        {rows.map((row) => (
          <MachineRow key={row.id} row={row} showsProject={showsProject} />
        ))}
      </tbody>
    </table>
  );
}

function MachineRow({ row, showsProject }: { row: MachineRowFragment; showsProject: boolean }) {
  const nodes = row.snapshotTree.nodes;
  const last = nodes.reduce<string | undefined>(
    (latest, { createdAt }) => (latest === undefined || createdAt > latest ? createdAt : latest),
    undefined,
  );
  const sizes = row.volumes.reduce((sum, volume) => sum + volume.allocatedBytes, 0);
  const { exclusiveBytes, sharedBytes, retainedBytes } = row.snapshotTree.space;
  const taken = exclusiveBytes + sharedBytes + retainedBytes;
  return (
    <tr className="group relative hover:bg-sunken max-md:flex max-md:flex-wrap max-md:items-center max-md:gap-x-3 max-md:gap-y-1 max-md:px-4 max-md:py-2.5">
      <td className="max-md:basis-full md:py-2.5 md:pr-3 md:pl-4">
        <Link
          href={machinePath(row.id)}
          className="font-medium after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-accent"
        >
          {row.name}
        </Link>
      </td>
      {showsProject && <td className="text-ink-soft md:px-3">{row.project?.name ?? <Badge tone="warn">Not assigned</Badge>}</td>}
      <td className="px-3 text-ink-soft max-md:hidden">{row.host?.name ?? '–'}</td>
      <td className="md:px-3">
        <StateBadge row={row} />
      </td>
      <td className="figures text-right max-md:text-[12.5px] max-md:text-ink-faint md:px-3">
        {nodes.length}
        <span className="md:sr-only"> {nodes.length === 1 ? 'snapshot' : 'snapshots'}</span>
      </td>
      <td className="figures text-ink-soft max-md:text-[12.5px] max-md:text-ink-faint md:px-3">
        {last === undefined ? 'never' : <TimeAgo at={last} />}
      </td>
      <td className="figures px-3 text-right text-ink-soft max-md:hidden">
        {formatBytes(sizes)}
        {taken > 0 && <span className="block text-[11.5px] text-ink-faint">{formatBytes(taken)} in snapshots</span>}
      </td>
      <td className="pr-3 text-ink-faint max-md:hidden">
        <ChevronRight size={16} aria-hidden className="transition-transform group-hover:translate-x-0.5" />
      </td>
    </tr>
  );
}

function StateBadge({ row }: { row: MachineRowFragment }) {
  const { label, tone } = sayMachineState(row.state);
  return (
    <span className="inline-flex flex-wrap gap-1.5">
      <Badge tone={tone} hasDot>
        {label}
      </Badge>
      {row.drift && (
        <Badge tone="warn" icon={<TriangleAlert size={11} aria-hidden />}>
          Drift
        </Badge>
      )}
    </span>
  );
}
