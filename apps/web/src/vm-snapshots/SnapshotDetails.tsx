'use client';
import { MapPin } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Action, SnapshotNodeFragment } from '../../generated/graphql';
import { ActivityFeed } from '../operations/ActivityFeed';
import { Badge } from '../ui/Badge';
import { Fact, Facts } from '../ui/Facts';
import { formatBytes, formatCount, formatEnum } from '../ui/format';
import { Notice } from '../ui/Notice';
import { SnapshotButtons } from './SnapshotButtons';
import { isConsistencyKnown, sayConsistency, saySnapshotState } from './snapshot-words';
import type { Asked } from './SnapshotDialogs';
import { SpaceBar } from './SpaceBar';

type DetailsProps = {
  snapshot: SnapshotNodeFragment;
  isCurrent: boolean;
  onAsk: (asked: Asked) => void;
};

/** Everything about one snapshot. */
export function SnapshotDetails(props: DetailsProps) {
  const { snapshot } = props;
  return (
    <div className="divide-y divide-line">
      <Head {...props} />
      <div className="space-y-3 px-4 py-3">
        <What snapshot={snapshot} />
      </div>
      <Part title="Space">
        <SpaceBar space={snapshot.space} />
      </Part>
      {snapshot.disks.length > 0 && (
        <Part title="Disks">
          <Disks snapshot={snapshot} />
        </Part>
      )}
      {snapshot.definition && (
        <Part title="The machine as it was">
          <Facts>
            <Fact name="Processors">{formatCount(snapshot.definition.vcpus, 'vCPU')}</Fact>
            <Fact name="Memory">{formatBytes(snapshot.definition.memoryBytes)}</Fact>
            <Fact name="Machine type">{snapshot.definition.machineType}</Fact>
            {snapshot.definition.firmware && <Fact name="Firmware">{snapshot.definition.firmware}</Fact>}
            <Fact name="Disks">{snapshot.definition.disks.join(', ')}</Fact>
          </Facts>
        </Part>
      )}
      <NotPossible snapshot={snapshot} />
      <Part title="History">
        <div className="-mx-4 -mb-3">
          <ActivityFeed subjectId={snapshot.id} isCompact />
        </div>
      </Part>
    </div>
  );
}

function Head({ snapshot, isCurrent, onAsk }: DetailsProps) {
  const state = saySnapshotState(snapshot.state);
  return (
    <div className="space-y-2.5 px-4 py-3">
      <div className="flex flex-wrap items-center gap-2">
        <p className="min-w-0 text-[15px] font-semibold break-words">{snapshot.name}</p>
        <Badge tone={state.tone} hasDot>
          {state.label}
        </Badge>
        {isCurrent && (
          <Badge tone="accent" icon={<MapPin size={11} aria-hidden />}>
            Current
          </Badge>
        )}
      </div>
      {snapshot.description && <p className="break-words whitespace-pre-wrap text-ink-soft">{snapshot.description}</p>}
      {snapshot.error && (
        <Notice kind="error" title={snapshot.error.message}>
          {snapshot.error.hint}
        </Notice>
      )}
      <SnapshotButtons snapshot={snapshot} onAsk={onAsk} />
    </div>
  );
}

function What({ snapshot }: { snapshot: SnapshotNodeFragment }) {
  const consistency = sayConsistency(snapshot.consistency);
  return (
    <>
      <Facts>
        <Fact name="Taken">{new Date(snapshot.createdAt).toLocaleString()}</Fact>
        <Fact name="By">{snapshot.createdBy.name}</Fact>
        <Fact name="Kind">{snapshot.kind === 'DISK' ? 'Disks' : 'Disks and memory'}</Fact>
        {isConsistencyKnown(snapshot.state) && <Fact name="Consistency">{consistency.label}</Fact>}
        {snapshot.memoryBytes !== null && snapshot.memoryBytes !== undefined && (
          <Fact name="Memory image">{formatBytes(snapshot.memoryBytes)}</Fact>
        )}
      </Facts>
      {isConsistencyKnown(snapshot.state) && <p className="text-[12.5px] text-ink-faint">{consistency.meaning}</p>}
    </>
  );
}

function Disks({ snapshot }: { snapshot: SnapshotNodeFragment }) {
  const most = Math.max(1, ...snapshot.disks.map((disk) => disk.allocatedBytes));
  return (
    <ul className="space-y-2">
      {snapshot.disks.map((disk) => (
        <li key={disk.target} className="space-y-1">
          <p className="flex items-baseline gap-3">
            <span className="font-mono text-[13px] font-medium">{disk.target}</span>
            <span className="min-w-0 flex-1 truncate text-ink-soft">{disk.volume?.name ?? 'the volume is gone'}</span>
            <span className="figures">{formatBytes(disk.allocatedBytes)}</span>
          </p>
          <div aria-hidden className="h-1 rounded-full bg-line">
            <div className="h-full rounded-full bg-accent/70" style={{ width: `${(disk.allocatedBytes / most) * 100}%` }} />
          </div>
          {disk.layerPath && <code className="block truncate font-mono text-[11.5px] text-ink-faint">{disk.layerPath}</code>}
        </li>
      ))}
    </ul>
  );
}

/** Those that have buttons of their own, which say why they are off. */
const HAVE_BUTTONS = new Set<Action>([
  'UPDATE_VM_SNAPSHOT',
  'REVERT_TO_VM_SNAPSHOT',
  'DELETE_VM_SNAPSHOT',
  'CLONE_VM_SNAPSHOT',
  'CREATE_TEMPLATE',
]);

/** Other actions that the API knows and refuses now, by its reason. */
function NotPossible({ snapshot }: { snapshot: SnapshotNodeFragment }) {
  const namesByReason = new Map<string, string[]>();
  for (const { action, enabled, reason } of snapshot.actions) {
    if (enabled || !reason || HAVE_BUTTONS.has(action)) continue;
    const name = formatEnum(action.replace('_VM_SNAPSHOT', '').replace('_TO', ''));
    namesByReason.set(reason, [...(namesByReason.get(reason) ?? []), name]);
  }
  if (namesByReason.size === 0) return null;
  return (
    <Part title="Not possible now">
      <ul className="space-y-1.5">
        {[...namesByReason].map(([reason, names]) => (
          <li key={reason}>
            <span className="font-medium text-ink-soft">{names.join(', ')}</span>
            <span className="block text-[12.5px] text-ink-faint">{reason}</span>
          </li>
        ))}
      </ul>
    </Part>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title} className="space-y-2 px-4 py-3">
      <h3 className="text-[12px] font-semibold tracking-wide text-ink-faint uppercase">{title}</h3>
      {children}
    </section>
  );
}
