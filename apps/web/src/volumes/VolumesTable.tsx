'use client';
import { EllipsisVertical, HardDrive, Layers2, Unplug } from 'lucide-react';
import { useState } from 'react';
import type { VolumeRowFragment } from '../../generated/graphql';
import { whyNot } from '../operations/availability';
import { Badge } from '../ui/Badge';
import { IconButton } from '../ui/Button';
import { formatBytes, formatCount } from '../ui/format';
import { Menu } from '../ui/Menu';
import { EmptyState } from '../ui/Notice';
import { DetachVolumeDialog, FlattenVolumeDialog } from './VolumeDialogs';

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
        <li key={volume.id} className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2">
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
          <VolumeMenu volume={volume} />
        </li>
      ))}
    </ul>
  );
}

/** A chain of one layer has nothing below the head that could be copied into it. */
const FLAT = 1;

function VolumeMenu({ volume }: { volume: VolumeRowFragment }) {
  const [asked, setAsked] = useState<'detach' | 'flatten' | null>(null);
  const close = () => setAsked(null);
  return (
    <>
      <Menu
        trigger={
          <IconButton label={`More about ${volume.target ?? volume.name}`} className="-mr-2">
            <EllipsisVertical size={15} aria-hidden />
          </IconButton>
        }
        groups={[
          [
            {
              label: 'Flatten…',
              icon: <Layers2 size={15} aria-hidden />,
              unavailableBecause: volume.chainLength <= FLAT ? 'It has one layer only: it is flat already.' : undefined,
              onChoose: () => setAsked('flatten'),
            },
            {
              label: 'Detach…',
              icon: <Unplug size={15} aria-hidden />,
              unavailableBecause: whyNot(volume.actions, 'DETACH_VOLUME'),
              onChoose: () => setAsked('detach'),
            },
          ],
        ]}
      />
      {asked === 'detach' && <DetachVolumeDialog volume={volume} onClose={close} />}
      {asked === 'flatten' && <FlattenVolumeDialog volume={volume} onClose={close} />}
    </>
  );
}
