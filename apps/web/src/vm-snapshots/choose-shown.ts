/** Which snapshot's details are shown. Pure. */
import type { KnownTree, TreeNode } from './tree-changes';

const IN_WORK = new Set(['ALLOCATED', 'CREATING', 'REVERTING', 'EXPUNGING']);

/** The one that was chosen while it is there; else the one that is in work, else the current one, else the newest. */
export function chooseShown<Node extends TreeNode>(tree: KnownTree<Node>, chosenId: string | null): Node | null {
  const chosen = chosenId === null ? undefined : tree.nodes.get(chosenId);
  if (chosen) return chosen;
  const newestFirst = [...tree.nodes.values()].sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  const current = tree.currentId === null ? undefined : tree.nodes.get(tree.currentId);
  return newestFirst.find((node) => IN_WORK.has(node.state)) ?? current ?? newestFirst[0] ?? null;
}
