import type { MachineView, SnapshotTreeView } from '../machines/use-live-machine';
import { formatBytes } from '../ui/format';
import { LANE_ROW_PX, TreeLanes } from '../ui/TreeLanes';
import type { TreeRow } from './tree-layout';

type HeadRowProps = {
  id: string;
  row: TreeRow;
  laneCount: number;
  head: MachineView['snapshotTree']['head'];
  tree: SnapshotTreeView;
  isIndented: boolean;
  keepElement: (id: string, element: HTMLElement | null) => void;
};

/** The present state: no snapshot yet, so it cannot be chosen; the current snapshot's description carries its words. */
export function HeadRow({ id, row, laneCount, head, tree, isIndented, keepElement }: HeadRowProps) {
  const current = tree.currentId === null ? undefined : tree.nodes.get(tree.currentId)?.name;
  return (
    <div
      ref={(element) => keepElement('head', element)}
      role="none"
      className="flex items-center gap-2 pr-4 pl-3"
      style={{ height: LANE_ROW_PX }}
      data-testid="tree-head"
    >
      {isIndented && <Indent />}
      <TreeLanes row={row} node="ghost" laneCount={laneCount} />
      <p id={id} className="min-w-0 truncate text-ink-soft">
        <span className="font-medium">Present state</span>
        <span className="figures text-ink-faint">
          {' '}
          · {formatBytes(head.allocatedBytes)} written{current === undefined ? '' : ` since “${current}”`}
        </span>
      </p>
    </div>
  );
}

/** As wide as the box of the rows that can be chosen. */
function Indent() {
  return <span aria-hidden className="size-4.5 shrink-0" />;
}

type DepartedProps = { row: TreeRow; laneCount: number; isIndented: boolean; name: string | undefined; topPx: number; heightPx: number };

/** A row that has left the tree, on its way out of sight; for eyes only. */
export function DepartedRow({ row, laneCount, isIndented, name, topPx, heightPx }: DepartedProps) {
  return (
    <div
      aria-hidden
      className="pointer-events-none absolute inset-x-0 flex animate-depart items-center gap-2 pr-4 pl-3"
      style={{ top: topPx, height: heightPx }}
    >
      {isIndented && <Indent />}
      <TreeLanes row={{ ...row, passing: [], hasLineDown: false, fromLane: null }} node="plain" laneCount={laneCount} />
      <span className="truncate font-medium text-ink-faint line-through">{name}</span>
    </div>
  );
}
