import { Check, Clock, Lock, MapPin, MemoryStick, ShieldCheck } from 'lucide-react';
import { type MouseEvent, useId } from 'react';
import type { SnapshotNodeFragment } from '../../generated/graphql';
import { Badge } from '../ui/Badge';
import { classNames } from '../ui/class-names';
import { formatBytes } from '../ui/format';
import { TimeAgo } from '../ui/TimeAgo';
import { LANE_ROW_PX, type LaneNode, TreeLanes } from '../ui/TreeLanes';
import { isConsistencyKnown, sayConsistency, saySnapshotState, saySpace, sizeOf } from './snapshot-words';
import type { TreeRow } from './tree-layout';

type ItemProps = {
  row: TreeRow;
  laneCount: number;
  snapshot: SnapshotNodeFragment;
  isCurrent: boolean;
  isShown: boolean;
  /** Whether it is one of several; null while none are being chosen. */
  isSelected: boolean | null;
  headId: string;
  onClick: (event: MouseEvent) => void;
  onFocus: () => void;
  keepElement: (id: string, element: HTMLElement | null) => void;
};

/** One snapshot in the tree: its name and state name it, the rest of the row describes it. */
export function SnapshotTreeItem(props: ItemProps) {
  const { row, laneCount, snapshot, isCurrent, isShown, isSelected, headId, onClick, onFocus, keepElement } = props;
  const id = useId();
  const state = saySnapshotState(snapshot.state);
  return (
    <div
      ref={(element) => keepElement(snapshot.id, element)}
      role="treeitem"
      aria-level={row.level}
      aria-posinset={row.positionInSet}
      aria-setsize={row.setSize}
      aria-selected={isSelected ?? isShown}
      aria-current={isCurrent || undefined}
      aria-labelledby={`${id}-name ${id}-state`}
      aria-describedby={isCurrent ? `${id}-more ${id}-size ${headId}` : `${id}-more ${id}-size`}
      tabIndex={isShown ? 0 : -1}
      onClick={onClick}
      onFocus={onFocus}
      style={{ height: LANE_ROW_PX, containIntrinsicSize: `auto ${LANE_ROW_PX}px` }}
      className={classNames(
        'flex items-center gap-2 pr-4 pl-3 [content-visibility:auto] focus-visible:-outline-offset-2',
        isSelected ? 'bg-accent-soft' : isShown ? 'bg-chosen' : 'hover:bg-sunken',
        isShown && 'shadow-[inset_3px_0_0_var(--accent)]',
      )}
    >
      {isSelected !== null && <Box isChecked={isSelected} />}
      <TreeLanes row={row} node={dotOf(snapshot, isCurrent)} laneCount={laneCount} />
      <div className={classNames('min-w-0 flex-1', snapshot.state === 'EXPUNGING' && 'opacity-60')}>
        <p className="flex items-center gap-2">
          <span id={`${id}-name`} className={classNames('truncate font-medium', snapshot.state === 'EXPUNGING' && 'line-through')}>
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
      <p
        id={`${id}-size`}
        className="figures w-26 shrink-0 text-right leading-tight whitespace-nowrap max-sm:hidden"
        title={saySpace(snapshot)}
      >
        <span className="block text-ink-soft">{formatBytes(sizeOf(snapshot))}</span>
        <span className="block text-[11.5px] text-ink-faint">frees {formatBytes(snapshot.space.exclusiveBytes)}</span>
      </p>
    </div>
  );
}

/** For eyes only: to screen readers the row itself says whether it is selected. */
function Box({ isChecked }: { isChecked: boolean }) {
  return (
    <span
      aria-hidden
      className={classNames(
        'flex size-4.5 shrink-0 items-center justify-center rounded border',
        isChecked ? 'border-accent bg-accent text-on-accent' : 'border-line-strong bg-surface',
      )}
    >
      {isChecked && <Check size={13} strokeWidth={3} />}
    </span>
  );
}

function Meta({ id, snapshot }: { id: string; snapshot: SnapshotNodeFragment }) {
  const consistency = sayConsistency(snapshot.consistency);
  const hasMemory = snapshot.kind === 'DISK_AND_MEMORY';
  return (
    <p id={id} className="figures flex items-center gap-3 truncate text-[12.5px] text-ink-faint">
      <span className="inline-flex items-center gap-1">
        <Clock size={12} aria-hidden />
        <TimeAgo at={snapshot.createdAt} />
      </span>
      {hasMemory && (
        <span
          className="inline-flex items-center gap-1 font-medium text-busy"
          title="The memory was kept too: a revert goes on where it was"
        >
          <MemoryStick size={12} aria-hidden />
          Memory
          {snapshot.memoryBytes ? <span className="font-normal max-sm:sr-only">{formatBytes(snapshot.memoryBytes)}</span> : null}
        </span>
      )}
      {isConsistencyKnown(snapshot.state) && !hasMemory && (
        <span className="inline-flex items-center gap-1 truncate" title={consistency.meaning}>
          <ShieldCheck size={12} aria-hidden className={snapshot.consistency === 'CRASH' ? undefined : 'text-good'} />
          <span className="truncate max-sm:sr-only">{consistency.label}</span>
        </span>
      )}
      <span className="sm:hidden">{formatBytes(sizeOf(snapshot))}</span>
    </p>
  );
}

function dotOf(snapshot: SnapshotNodeFragment, isCurrent: boolean): LaneNode {
  const { tone } = saySnapshotState(snapshot.state);
  if (tone === 'bad') return 'bad';
  if (tone === 'busy' || tone === 'warn') return 'busy';
  return isCurrent ? 'marked' : 'plain';
}
