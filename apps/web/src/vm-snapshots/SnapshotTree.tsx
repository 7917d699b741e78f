'use client';
import { type KeyboardEvent, type MouseEvent, useCallback, useId, useMemo, useRef } from 'react';
import type { SnapshotNodeFragment } from '../../generated/graphql';
import type { MachineView, SnapshotTreeView } from '../machines/use-live-machine';
import { LANE_ROW_PX } from '../ui/TreeLanes';
import { DepartedRow, HeadRow } from './OtherRows';
import { SnapshotTreeItem } from './SnapshotTreeItem';
import { keyIntent } from './tree-keys';
import { layoutTree, type TreeRow } from './tree-layout';
import { extendTo, NO_SELECTION, type Selection, toggle } from './tree-selection';
import { useKeptFocus } from './use-kept-focus';
import { type Departure, useRowMotion } from './use-row-motion';

type TreeProps = {
  tree: SnapshotTreeView;
  head: MachineView['snapshotTree']['head'];
  label: string;
  shownId: string | null;
  chosenId: string | null;
  /** Several at once; `isSelecting` while a click chooses for it instead of showing. */
  selection: Selection;
  isSelecting: boolean;
  onChoose: (id: string) => void;
  onSelect: (selection: Selection) => void;
  /** Chosen by click or Enter, not just passed by on the way: on a narrow screen this opens the details. */
  onOpen: () => void;
  /** The key Delete: the selection, else the one that the keyboard is on. */
  onDelete: (ids: readonly string[]) => void;
};

/** A row as it is drawn; the snapshot is missing for the head. */
type DrawnRow = { row: TreeRow; snapshot: SnapshotNodeFragment | undefined };

const HEAD_ID = 'head';
const idOf = ({ snapshot }: DrawnRow) => snapshot?.id ?? HEAD_ID;

/** The snapshot tree. One tab stop; arrow keys move along it, Space chooses several, Enter opens, Delete asks about deleting. */
export function SnapshotTree(props: TreeProps) {
  const { tree, head, label, shownId, chosenId, selection, isSelecting, onChoose, onSelect, onOpen } = props;
  const { rows, order } = useDrawnRows(tree);
  const { elements, keepElement } = useElements();
  const headId = useId();
  const departures = useRowMotion({ rows, idOf, elements });
  const focus = useKeptFocus({ nodes: tree.nodes, order, chosenId, elements, onChoose });
  const onKeyDown = useTreeKeys(props, { rows, order, elements });
  const laneCount = Math.max(...rows.map(({ row }) => row.lane)) + 1;

  function onClick(id: string, event: MouseEvent): void {
    if (event.shiftKey) return onSelect(extendTo(selection, order, { fromId: shownId ?? id, id }));
    if (event.ctrlKey || event.metaKey || isSelecting) return onSelect(toggle(selection, id));
    onChoose(id);
    onOpen();
  }

  return (
    <div
      role="tree"
      aria-label={label}
      aria-multiselectable
      onKeyDown={onKeyDown}
      onBlur={focus.onBlur}
      className="relative my-1 select-none"
    >
      {rows.map(({ row, snapshot }) => {
        if (!snapshot)
          return (
            <HeadRow
              key={HEAD_ID}
              id={headId}
              row={row}
              laneCount={laneCount}
              head={head}
              tree={tree}
              isIndented={isSelecting}
              keepElement={keepElement}
            />
          );
        return (
          <SnapshotTreeItem
            key={snapshot.id}
            row={row}
            laneCount={laneCount}
            snapshot={snapshot}
            isCurrent={snapshot.id === tree.currentId}
            isShown={snapshot.id === shownId}
            isSelected={isSelecting ? selection.ids.has(snapshot.id) : null}
            headId={headId}
            onClick={(event) => onClick(snapshot.id, event)}
            onFocus={() => focus.onFocus(snapshot.id)}
            keepElement={keepElement}
          />
        );
      })}
      <Departed departures={departures} laneCount={laneCount} isIndented={isSelecting} />
    </div>
  );
}

function useDrawnRows(tree: SnapshotTreeView): Pick<Drawn, 'rows' | 'order'> {
  const rows = useMemo(
    () => layoutTree(tree.nodes, tree.currentId).map((row): DrawnRow => ({ row, snapshot: tree.nodes.get(row.snapshotId ?? '') })),
    [tree],
  );
  const order = useMemo(() => rows.flatMap(({ snapshot }) => (snapshot ? [snapshot.id] : [])), [rows]);
  return { rows, order };
}

/** The elements of the rows, by id: focus and motion need them. */
function useElements() {
  const elements = useRef(new Map<string, HTMLElement>());
  const keepElement = useCallback((id: string, element: HTMLElement | null) => {
    if (element) elements.current.set(id, element);
    else elements.current.delete(id);
  }, []);
  return { elements, keepElement };
}

type DepartedProps = { departures: readonly Departure<DrawnRow>[]; laneCount: number; isIndented: boolean };

function Departed({ departures, laneCount, isIndented }: DepartedProps) {
  return departures.map(({ key, row: { row, snapshot }, topPx }) => (
    <DepartedRow
      key={key}
      row={row}
      laneCount={laneCount}
      isIndented={isIndented}
      name={snapshot?.name}
      topPx={topPx}
      heightPx={LANE_ROW_PX}
    />
  ));
}

type Drawn = { rows: readonly DrawnRow[]; order: readonly string[]; elements: { current: ReadonlyMap<string, HTMLElement> } };

function useTreeKeys(props: TreeProps, { rows, order, elements }: Drawn): (event: KeyboardEvent) => void {
  const { shownId, selection, onChoose, onSelect, onOpen, onDelete } = props;
  return (event) => {
    if (shownId === null) return;
    const intent = keyIntent(
      rows.map(({ row }) => row),
      shownId,
      event,
    );
    if (intent === null) return;
    event.preventDefault();
    switch (intent.kind) {
      case 'open':
        return onOpen();
      case 'toggle':
        return onSelect(toggle(selection, shownId));
      case 'all':
        return onSelect({ ids: new Set(order), anchorId: shownId });
      case 'none':
        return onSelect(NO_SELECTION);
      case 'delete':
        return onDelete(selection.ids.size > 0 ? [...selection.ids] : [shownId]);
      case 'go':
        if (intent.isExtending) onSelect(extendTo(selection, order, { fromId: shownId, id: intent.id }));
        onChoose(intent.id);
        elements.current.get(intent.id)?.focus();
    }
  };
}
