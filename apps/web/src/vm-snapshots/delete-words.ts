/** What a delete leaves in the tree, in sentences. Pure. */
import { listNames } from '../operations/plan-words';
import type { TreeNode } from './tree-changes';

type Named = TreeNode & { name: string };
type Tree = { nodes: ReadonlyMap<string, Named>; currentId: string | null };

/** Where the snapshots go that grew from the deleted ones, and which one is current afterwards. */
export function sayAftermath(tree: Tree, goneIds: ReadonlySet<string>): string[] {
  return [...sayMoves(tree, goneIds), ...sayCurrent(tree, goneIds)];
}

function sayMoves({ nodes }: Tree, goneIds: ReadonlySet<string>): string[] {
  const movers = [...nodes.values()].filter(
    ({ id, parent }) => !goneIds.has(id) && parent !== null && parent !== undefined && goneIds.has(parent.id),
  );
  const byParent = new Map<string | null, string[]>();
  for (const mover of movers) {
    const parentId = nearestKept(nodes, mover.id, goneIds);
    byParent.set(parentId, [...(byParent.get(parentId) ?? []), mover.name]);
  }
  return [...byParent].map(([parentId, names]) => {
    const parent = parentId === null ? undefined : nodes.get(parentId);
    const verb = names.length === 1 ? 'moves' : 'move';
    return parent ? `${listNames(names)} ${verb} up to “${parent.name}”.` : `${listNames(names)} ${verb} to the top of the tree.`;
  });
}

function sayCurrent({ nodes, currentId }: Tree, goneIds: ReadonlySet<string>): string[] {
  if (currentId === null || !goneIds.has(currentId)) return [];
  const next = nodes.get(nearestKept(nodes, currentId, goneIds) ?? '');
  return [
    next
      ? `“${next.name}” becomes the current one; the present state stays as it is.`
      : 'No snapshot will be current; the present state stays as it is.',
  ];
}

function nearestKept(nodes: ReadonlyMap<string, Named>, id: string, goneIds: ReadonlySet<string>): string | null {
  for (let at = nodes.get(id)?.parent?.id; at !== undefined; at = nodes.get(at)?.parent?.id) if (!goneIds.has(at)) return at;
  return null;
}
