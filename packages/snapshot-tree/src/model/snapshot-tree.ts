/** The snapshot tree: what users name. Kept apart from the layer forest on purpose; parents come first in every list. */

/** One VM snapshot as the tree sees it. */
export type SnapshotNode = { id: string; parentId: string | null };

/** Nodes with their parents before them, siblings in the order given. Throws when a parent is missing or there is a loop. */
export function parentsFirst<T extends SnapshotNode>(nodes: readonly T[]): T[] {
  const ids = new Set(nodes.map((node) => node.id));
  const childrenOf = new Map<string | null, T[]>();
  for (const node of nodes) {
    if (node.parentId !== null && !ids.has(node.parentId))
      throw new Error(`snapshot ${node.id}: parent ${node.parentId} is not in the tree`);
    const siblings = childrenOf.get(node.parentId);
    if (siblings) siblings.push(node);
    else childrenOf.set(node.parentId, [node]);
  }
  const ordered = [...(childrenOf.get(null) ?? [])];
  for (let at = 0; at < ordered.length; at += 1) {
    const node = ordered[at];
    if (node) ordered.push(...(childrenOf.get(node.id) ?? []));
  }
  if (ordered.length !== nodes.length) throw new Error('the snapshot tree has a loop');
  return ordered;
}

/** Number of nodes on the longest path from a root; 0 for an empty tree. */
export function depthOf(nodes: readonly SnapshotNode[]): number {
  const depths = new Map<string, number>();
  let deepest = 0;
  for (const node of parentsFirst(nodes)) {
    const depth = node.parentId === null ? 1 : (depths.get(node.parentId) ?? 0) + 1;
    depths.set(node.id, depth);
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}
