import { HardDrive } from 'lucide-react';
import type { VolumeRowFragment } from '../../generated/graphql';
import { Badge } from '../ui/Badge';
import { formatBytes, formatCount } from '../ui/format';
import { EmptyState } from '../ui/Notice';

/** The disks of a machine: where they are and how long their chains are. */
export function VolumesTable({ volumes }: { volumes: readonly VolumeRowFragment[] }) {
  if (volumes.length === 0) {
    return (
      <EmptyState icon={<HardDrive size={20} aria-hidden />} title="No disks">
        This machine has no disk that a snapshot could cover.
      </EmptyState>
    );
  }
  return (
    <ul className="divide-y divide-line">
      {volumes.map((volume) => (
        <li key={volume.id} className="flex flex-wrap items-baseline gap-x-4 gap-y-1 px-4 py-2.5">
          <span className="w-12 font-mono text-[13px] font-medium">{volume.target ?? '–'}</span>
          <span className="min-w-40 flex-1 truncate text-ink-soft">{volume.name}</span>
          <span className="text-ink-faint">
            {volume.pool.name}
            {!volume.pool.supportsSnapshots && (
              <span className="ml-2">
                <Badge tone="warn">No snapshots here</Badge>
              </span>
            )}
          </span>
          <span className="figures text-right sm:w-32 text-ink-soft" title="Layers from the head down to the base">
            {formatCount(volume.chainLength, 'layer')}
          </span>
          <span className="figures text-right sm:w-44">
            {formatBytes(volume.allocatedBytes)} <span className="text-ink-faint">of {formatBytes(volume.virtualBytes)}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}
