'use client';
import { type KeyboardEvent, useId, useMemo, useRef } from 'react';
import type { MachineView, SnapshotTreeView } from '../machines/use-live-machine';
import { formatBytes } from '../ui/format';
import { LANE_ROW_PX, TreeLanes } from '../ui/TreeLanes';
import { SnapshotTreeItem } from './SnapshotTreeItem';
import { nextByKey } from './tree-keys';
import { layoutTree, type TreeRow } from './tree-layout';

type TreeProps = {
  tree: SnapshotTreeView;
  head: MachineView['snapshotTree']['head'];
  label: string;
  shownId: string | null;
  onChoose: (id: string) => void;
  /** Chosen by click or Enter, not just passed by on the way: on a narrow screen this opens the details. */
  onOpen: () => void;
};

/** The snapshot tree. One tab stop; arrow keys move along it and choose. */
export function SnapshotTree({ tree, head, label, shownId, onChoose, onOpen }: TreeProps) {
  const rows = useMemo(() => layoutTree(tree.nodes, tree.currentId), [tree]);
  const laneCount = Math.max(...rows.map((row) => row.lane)) + 1;
  const items = useRef(new Map<string, HTMLElement>());
  const headId = useId();

  function onKeyDown(event: KeyboardEvent): void {
    if (shownId === null || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      return onOpen();
    }
    const next = nextByKey(rows, shownId, event.key);
    if (next === undefined) return;
    event.preventDefault();
    onChoose(next);
    items.current.get(next)?.focus();
  }

  return (
    <div role="tree" aria-label={label} onKeyDown={onKeyDown} className="py-1">
      {rows.map((row) => {
        const snapshot = row.snapshotId === null ? undefined : tree.nodes.get(row.snapshotId);
        if (!snapshot) return <HeadRow key="head" id={headId} row={row} laneCount={laneCount} head={head} name={nameOf(tree)} />;
        return (
          <SnapshotTreeItem
            key={snapshot.id}
            row={row}
            laneCount={laneCount}
            snapshot={snapshot}
            isCurrent={snapshot.id === tree.currentId}
            isShown={snapshot.id === shownId}
            headId={headId}
            onChoose={() => {
              onChoose(snapshot.id);
              onOpen();
            }}
            keepElement={(element) => {
              if (element) items.current.set(snapshot.id, element);
              else items.current.delete(snapshot.id);
            }}
          />
        );
      })}
    </div>
  );
}

function nameOf(tree: SnapshotTreeView): string | undefined {
  return tree.currentId === null ? undefined : tree.nodes.get(tree.currentId)?.name;
}

type HeadRowProps = { id: string; row: TreeRow; laneCount: number; head: MachineView['snapshotTree']['head']; name: string | undefined };

/** The present state: no snapshot yet, so it cannot be chosen; the current snapshot's description carries its words. */
function HeadRow({ id, row, laneCount, head, name }: HeadRowProps) {
  return (
    <div role="none" className="flex items-center gap-2 pr-4 pl-3" style={{ height: LANE_ROW_PX }} data-testid="tree-head">
      <TreeLanes row={row} node="ghost" laneCount={laneCount} />
      <p id={id} className="min-w-0 truncate text-ink-soft">
        <span className="font-medium">Present state</span>
        <span className="figures text-ink-faint">
          {' '}
          · {formatBytes(head.allocatedBytes)} written{name === undefined ? '' : ` since “${name}”`}
        </span>
      </p>
    </div>
  );
}
