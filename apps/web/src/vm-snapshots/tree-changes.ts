/**
 * What the browser knows of one machine's snapshot tree, and how a change of it is applied. Pure. Changes come in order of revision:
 *
 *   change.revision ≤ known      stale: already in what was read, or delivered twice after a reconnection → dropped
 *   change.revision = known + 1  applied
 *   change.revision > known + 1  jump: something is missing → the whole tree is read again
 */

/** What the tree needs of a snapshot; the rest is carried along. */
export type TreeNode = { id: string; state: string; createdAt: string; parent?: { id: string } | null | undefined };

/** Nodes by id, which one is current, and the revision that this is. */
export type KnownTree<Node extends TreeNode> = { nodes: ReadonlyMap<string, Node>; currentId: string | null; revision: number };

/** One event of snapshotTreeChanged. `snapshot` is the node as it is now, null where it is gone by now. */
export type TreeChange<Node extends TreeNode> = {
  revision: number;
  kind: 'ADDED' | 'UPDATED' | 'REMOVED' | 'REPARENTED' | 'HEAD_MOVED';
  snapshotId?: string | null | undefined;
  parentId?: string | null | undefined;
  currentId?: string | null | undefined;
  snapshot?: Node | null | undefined;
};

export type ChangeOutcome<Node extends TreeNode> = { kind: 'applied'; tree: KnownTree<Node> } | { kind: 'stale' } | { kind: 'jump' };

/** Applies one change, or says why not. Never changes its arguments. */
export function applyTreeChange<Node extends TreeNode>(tree: KnownTree<Node>, change: TreeChange<Node>): ChangeOutcome<Node> {
  if (change.revision <= tree.revision) return { kind: 'stale' };
  if (change.revision > tree.revision + 1) return { kind: 'jump' };
  const nodes = new Map(tree.nodes);
  writeNode(nodes, change);
  return { kind: 'applied', tree: { nodes, currentId: change.currentId ?? null, revision: change.revision } };
}

function writeNode<Node extends TreeNode>(nodes: Map<string, Node>, change: TreeChange<Node>): void {
  const id = change.snapshotId ?? change.snapshot?.id;
  if (id === undefined) return;
  if (change.kind === 'REMOVED' || change.snapshot?.state === 'REMOVED') {
    nodes.delete(id);
    return;
  }
  const node = change.snapshot ?? nodes.get(id);
  // Gone by now: the change that removes it is on its way.
  if (!node) return;
  // The parent is that of this revision; the node itself may already be ahead. HEAD_MOVED tells of the current one, not of a parent.
  const parent = change.kind === 'HEAD_MOVED' ? (nodes.get(id)?.parent ?? node.parent) : toParent(change.parentId);
  nodes.set(id, { ...node, parent });
}

function toParent(parentId: string | null | undefined): { id: string } | null {
  return parentId === null || parentId === undefined ? null : { id: parentId };
}

/** Takes a tree that was read as a whole; an answer older than what is known already is left aside. */
export function takeReadTree<Node extends TreeNode>(known: KnownTree<Node> | null, read: KnownTree<Node>): KnownTree<Node> {
  return known !== null && known.revision > read.revision ? known : read;
}

/** A known tree from the flat list of an answer. */
export function toKnownTree<Node extends TreeNode>(list: readonly Node[], currentId: string | null, revision: number): KnownTree<Node> {
  return { nodes: new Map(list.map((node) => [node.id, node])), currentId, revision };
}
