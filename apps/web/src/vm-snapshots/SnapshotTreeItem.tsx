import { Clock, Lock, MapPin, ShieldCheck } from 'lucide-react';
import { useId } from 'react';
import type { SnapshotNodeFragment } from '../../generated/graphql';
import { Badge } from '../ui/Badge';
import { classNames } from '../ui/class-names';
import { formatBytes } from '../ui/format';
import { TimeAgo } from '../ui/TimeAgo';
import { LANE_ROW_PX, type LaneNode, TreeLanes } from '../ui/TreeLanes';
import { isConsistencyKnown, sayConsistency, saySnapshotState } from './snapshot-words';
import type { TreeRow } from './tree-layout';

type ItemProps = {
  row: TreeRow;
  laneCount: number;
  snapshot: SnapshotNodeFragment;
  isCurrent: boolean;
  isShown: boolean;
  headId: string;
  onChoose: () => void;
  keepElement: (element: HTMLElement | null) => void;
};

/** One snapshot in the tree: its name and state name it, the rest of the row describes it. */
export function SnapshotTreeItem({ row, laneCount, snapshot, isCurrent, isShown, headId, onChoose, keepElement }: ItemProps) {
  const id = useId();
  const state = saySnapshotState(snapshot.state);
  return (
    <div
      ref={keepElement}
      role="treeitem"
      aria-level={row.level}
      aria-posinset={row.positionInSet}
      aria-setsize={row.setSize}
      aria-selected={isShown}
      aria-current={isCurrent || undefined}
      aria-labelledby={`${id}-name ${id}-state`}
      aria-describedby={isCurrent ? `${id}-more ${headId}` : `${id}-more`}
      tabIndex={isShown ? 0 : -1}
      onClick={onChoose}
      style={{ height: LANE_ROW_PX, containIntrinsicSize: `auto ${LANE_ROW_PX}px` }}
      className={classNames(
        'flex items-center gap-2 pr-4 pl-3 [content-visibility:auto] focus-visible:-outline-offset-2',
        isShown ? 'bg-chosen shadow-[inset_3px_0_0_var(--accent)]' : 'hover:bg-sunken',
      )}
    >
      <TreeLanes row={row} node={dotOf(snapshot, isCurrent)} laneCount={laneCount} />
      <div className="min-w-0 flex-1">
        <p className="flex items-center gap-2">
          <span id={`${id}-name`} className="truncate font-medium">
            {snapshot.name}
          </span>
          {snapshot.locked && <Lock size={12} aria-label="Locked" className="shrink-0 text-ink-faint" />}
          {isCurrent && (
            <Badge tone="accent" icon={<MapPin size={11} aria-hidden />}>
              You are here
            </Badge>
          )}
        </p>
        <Meta id={`${id}-more`} snapshot={snapshot} />
      </div>
      <span id={`${id}-state`} className="inline-flex">
        <Badge tone={state.tone} hasDot>
          {state.label}
        </Badge>
      </span>
      <span className="figures w-18 text-right text-ink-soft max-sm:hidden" title="What its layers take on disk">
        {formatBytes(sizeOf(snapshot))}
      </span>
    </div>
  );
}

function Meta({ id, snapshot }: { id: string; snapshot: SnapshotNodeFragment }) {
  const consistency = sayConsistency(snapshot.consistency);
  return (
    <p id={id} className="figures flex items-center gap-3 truncate text-[12.5px] text-ink-faint">
      <span className="inline-flex items-center gap-1">
        <Clock size={12} aria-hidden />
        <TimeAgo at={snapshot.createdAt} />
      </span>
      {isConsistencyKnown(snapshot.state) && (
        <span className="inline-flex items-center gap-1 truncate" title={consistency.meaning}>
          <ShieldCheck size={12} aria-hidden className={snapshot.consistency === 'CRASH' ? undefined : 'text-good'} />
          <span className="truncate max-sm:sr-only">{consistency.label}</span>
        </span>
      )}
      <span className="sm:hidden">{formatBytes(sizeOf(snapshot))}</span>
    </p>
  );
}

function sizeOf(snapshot: SnapshotNodeFragment): number {
  return snapshot.disks.reduce((sum, disk) => sum + disk.allocatedBytes, snapshot.memoryBytes ?? 0);
}

function dotOf(snapshot: SnapshotNodeFragment, isCurrent: boolean): LaneNode {
  const { tone } = saySnapshotState(snapshot.state);
  if (tone === 'bad') return 'bad';
  if (tone === 'busy' || tone === 'warn') return 'busy';
  return isCurrent ? 'marked' : 'plain';
}
