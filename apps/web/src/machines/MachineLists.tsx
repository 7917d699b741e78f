'use client';
import { Tabs } from 'radix-ui';
import { ActivityFeed } from '../operations/ActivityFeed';
import { OperationList } from '../operations/OperationList';
import { VolumeSnapshotList } from '../volume-snapshots/VolumeSnapshotList';
import { VolumesTable } from '../volumes/VolumesTable';
import type { MachineView } from './use-live-machine';

const TAB =
  'flex h-11 items-center border-b-2 border-transparent px-3 text-ink-soft hover:text-ink data-[state=active]:border-accent data-[state=active]:font-medium data-[state=active]:text-ink';

/** Volumes, copies of volumes, operations and history of one machine. */
export function MachineLists({ machine }: { machine: MachineView }) {
  return (
    <Tabs.Root defaultValue="volumes" className="card overflow-hidden">
      <Tabs.List aria-label="About this machine" className="flex border-b border-line px-2">
        <Tabs.Trigger value="volumes" className={TAB}>
          Volumes
        </Tabs.Trigger>
        <Tabs.Trigger value="volume-snapshots" className={TAB}>
          Volume snapshots
        </Tabs.Trigger>
        <Tabs.Trigger value="operations" className={TAB}>
          Operations
        </Tabs.Trigger>
        <Tabs.Trigger value="activity" className={TAB}>
          Activity
        </Tabs.Trigger>
      </Tabs.List>
      <Tabs.Content value="volumes" tabIndex={-1}>
        <VolumesTable volumes={machine.volumes} />
      </Tabs.Content>
      <Tabs.Content value="volume-snapshots" tabIndex={-1}>
        <VolumeSnapshotList machine={machine} />
      </Tabs.Content>
      <Tabs.Content value="operations" tabIndex={-1}>
        <OperationList virtualMachineId={machine.id} />
      </Tabs.Content>
      <Tabs.Content value="activity" tabIndex={-1}>
        <ActivityFeed virtualMachineId={machine.id} />
      </Tabs.Content>
    </Tabs.Root>
  );
}
