'use client';
import { type RefObject, useLayoutEffect, useRef } from 'react';
import type { TreeNode } from './tree-changes';
import { successorOf } from './tree-selection';

type Kept = {
  nodes: ReadonlyMap<string, TreeNode>;
  /** The ids of the rows, from top to bottom. */
  order: readonly string[];
  /** The one that the visitor chose; null where the page chooses, which needs no successor. */
  chosenId: string | null;
  elements: RefObject<ReadonlyMap<string, HTMLElement>>;
  onChoose: (id: string) => void;
};

/**
 * When the snapshot that one was on leaves the tree, goes on at its successor, with the keyboard's focus where it was on the row. (A removed
 * element loses the focus to the document, from where arrow keys lead nowhere.)
 */
export function useKeptFocus({ nodes, order, chosenId, elements, onChoose }: Kept): { onFocus: (id: string) => void; onBlur: () => void } {
  const before = useRef({ nodes, order, chosenId });
  const focusedId = useRef<string | null>(null);
  useLayoutEffect(() => {
    const last = before.current;
    before.current = { nodes, order, chosenId };
    const lostFocus = focusedId.current !== null && !nodes.has(focusedId.current) && isNowhere(document.activeElement);
    const lostId = lostFocus ? focusedId.current : last.chosenId;
    if (lostId === null || nodes.has(lostId)) return;
    const next = successorOf(lostId, last, nodes);
    focusedId.current = null;
    if (next === null) return;
    onChoose(next);
    if (lostFocus) elements.current.get(next)?.focus();
  }, [nodes, order, chosenId, elements, onChoose]);
  return {
    onFocus: (id) => {
      focusedId.current = id;
    },
    // React does not tell of the blur of an element that it removes, so this is the visitor leaving by themselves.
    onBlur: () => {
      focusedId.current = null;
    },
  };
}

function isNowhere(element: Element | null): boolean {
  return element === null || element === document.body;
}
