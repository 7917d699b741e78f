/** Several snapshots of a tree chosen at once, and what becomes of a choice when the tree changes. Pure. */
import type { TreeNode } from './tree-changes';

/** The chosen ids, and the one from which a range is drawn. */
export type Selection = { ids: ReadonlySet<string>; anchorId: string | null };

/** Nothing chosen. */
export const NO_SELECTION: Selection = { ids: new Set(), anchorId: null };

/** Chooses one more, or puts it back; the next range starts at it. */
export function toggle(selection: Selection, id: string): Selection {
  const ids = new Set(selection.ids);
  if (!ids.delete(id)) ids.add(id);
  return { ids, anchorId: id };
}

/** Chooses all rows from the anchor (else from `fromId`) to `id`, beside what was chosen. `order`: the ids of the rows, from top to bottom. */
export function extendTo(selection: Selection, order: readonly string[], { fromId, id }: { fromId: string; id: string }): Selection {
  const anchorId = selection.anchorId ?? fromId;
  const [start, end] = [order.indexOf(anchorId), order.indexOf(id)].sort((a, b) => a - b);
  if (start === undefined || end === undefined || start < 0) return toggle(selection, id);
  return { ids: new Set([...selection.ids, ...order.slice(start, end + 1)]), anchorId };
}

/** The selection without what is not in the tree any more; the same object where all of it is. */
export function prune(selection: Selection, nodes: ReadonlyMap<string, unknown>): Selection {
  const kept = [...selection.ids].filter((id) => nodes.has(id));
  if (kept.length === selection.ids.size) return selection;
  const isAnchorKept = selection.anchorId !== null && nodes.has(selection.anchorId);
  return { ids: new Set(kept), anchorId: isAnchorKept ? selection.anchorId : null };
}

/** All that grew from these, in any generation; they themselves not, unless one grew from another. */
export function descendantsOf(nodes: ReadonlyMap<string, TreeNode>, ids: Iterable<string>): Set<string> {
  const children = new Map<string, string[]>();
  for (const node of nodes.values()) {
    const parentId = node.parent?.id;
    if (parentId !== undefined) children.set(parentId, [...(children.get(parentId) ?? []), node.id]);
  }
  const found = new Set<string>();
  const open = [...ids];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const child of children.get(id) ?? []) {
      if (found.has(child)) continue;
      found.add(child);
      open.push(child);
    }
  }
  return found;
}

/**
 * Where to go when the snapshot that one was on has left the tree: its nearest ancestor that is still there; else the row that took its
 * place, else the one above. `before` is the tree and the order of its rows while it was still there. Null where nothing is left.
 */
export function successorOf(
  id: string,
  before: { nodes: ReadonlyMap<string, TreeNode>; order: readonly string[] },
  after: ReadonlyMap<string, unknown>,
): string | null {
  for (let at = before.nodes.get(id)?.parent?.id; at !== undefined; at = before.nodes.get(at)?.parent?.id) if (after.has(at)) return at;
  const index = before.order.indexOf(id);
  const isThere = (each: string) => after.has(each);
  return before.order.slice(index + 1).find(isThere) ?? before.order.slice(0, Math.max(0, index)).findLast(isThere) ?? null;
}
