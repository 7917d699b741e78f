'use client';
import { useState } from 'react';
import type { SnapshotTreeView } from '../machines/use-live-machine';
import { NO_SELECTION, prune, type Selection } from './tree-selection';

/** Choosing several: begun by the menu, by a click with Ctrl or Shift or by Space; ended by the bar, by Escape or by what is done with them. */
export type Several = {
  selection: Selection;
  isSelecting: boolean;
  begin: () => void;
  end: () => void;
  select: (selection: Selection) => void;
};

/** Several snapshots of a tree, chosen at once; what leaves the tree leaves the choice. */
export function useSeveral(tree: SnapshotTreeView): Several {
  const [chosen, setChosen] = useState(NO_SELECTION);
  const [isBegun, setBegun] = useState(false);
  const selection = prune(chosen, tree.nodes);
  return {
    selection,
    isSelecting: isBegun || selection.ids.size > 0,
    begin: () => setBegun(true),
    end: () => {
      setBegun(false);
      setChosen(NO_SELECTION);
    },
    select: (next) => {
      setChosen(next);
      if (next === NO_SELECTION) setBegun(false);
    },
  };
}
