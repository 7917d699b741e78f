/**
 * Where each snapshot stands: one row each, parents above children, in lanes like a railway map.
 *
 *   ●  s1          lane 0
 *   ├─●  s2        a side branch takes the next lane, and all of its rows come first
 *   │ ●  s3
 *   ●  s4          the trunk, which leads to the head (else to the largest branch), stays in its parent's lane
 *   ○  head        the present state, under the current snapshot
 *
 * So a chain of any length stays in one lane, and the width grows only with branches inside branches. Pure; linear in the number of nodes.
 */
import type { TreeNode } from './tree-changes';

/** One row. `snapshotId` null: the head. Lanes count from 0 at the left. */
export type TreeRow = {
  snapshotId: string | null;
  parentId: string | null;
  lane: number;
  /** 1 for a root, as aria-level counts. */
  level: number;
  positionInSet: number;
  setSize: number;
  /** On the way from the root to the head. */
  isOnHeadPath: boolean;
  /** Whether a line leaves this row downwards, and whether that line leads to the head. */
  hasLineDown: boolean;
  isLineDownOnHeadPath: boolean;
  /** Lanes whose line passes this row without stopping, and which of these lead to the head. */
  passing: { lane: number; isOnHeadPath: boolean }[];
  /** The parent's lane, from which the line comes; null for a root. */
  fromLane: number | null;
};

const HEAD: unique symbol = Symbol('head');
type Key = string | typeof HEAD;
type Forest = { children: Map<Key | null, Key[]>; size: Map<Key, number>; headPath: Set<Key> };

/**
 * Lays out all nodes. A node whose parent is not there is a root; the head is a root of its own where there is no current one. A snapshot that
 * is being taken will be current when it is ready, so the head hangs under it already: rows do not jump at that moment.
 */
export function layoutTree(nodes: ReadonlyMap<string, TreeNode>, currentId: string | null): TreeRow[] {
  const forest = growForest(nodes, findInMaking(nodes, currentId) ?? currentId);
  const rows: TreeRow[] = [];
  // A stack, not recursion: a chain may be longer than the call stack.
  const stack = placeChildren(forest, null, { lane: 0, level: 0, passing: [] });
  while (stack.length > 0) {
    const place = stack.pop();
    if (!place) break;
    rows.push(toRow(forest, place));
    stack.push(...placeChildren(forest, place.key, place));
  }
  return rows;
}

const IN_MAKING = new Set(['ALLOCATED', 'CREATING']);

function findInMaking(nodes: ReadonlyMap<string, TreeNode>, currentId: string | null): string | undefined {
  for (const node of nodes.values()) if (IN_MAKING.has(node.state) && (node.parent?.id ?? null) === currentId) return node.id;
  return undefined;
}

type Place = {
  key: Key;
  parent: Key | null;
  lane: number;
  level: number;
  positionInSet: number;
  setSize: number;
  passing: TreeRow['passing'];
};

/** The children of one node, last one first (for a stack): side branches above, the trunk below. */
function placeChildren(forest: Forest, parent: Key | null, at: Pick<Place, 'lane' | 'level' | 'passing'>): Place[] {
  const children = forest.children.get(parent) ?? [];
  const trunk = children.at(-1);
  const places = children.map((key, index): Place => {
    const isTrunk = key === trunk || parent === null;
    const line = { lane: at.lane, isOnHeadPath: trunk !== undefined && forest.headPath.has(trunk) };
    return {
      key,
      parent,
      lane: isTrunk ? at.lane : at.lane + 1,
      level: at.level + 1,
      positionInSet: index + 1,
      // The head is drawn, but it is no item that can be chosen.
      setSize: children.filter((child) => child !== HEAD).length,
      passing: isTrunk ? at.passing : [...at.passing, line],
    };
  });
  return places.toReversed();
}

function toRow(forest: Forest, place: Place): TreeRow {
  const trunk = forest.children.get(place.key)?.at(-1);
  const parentLane = place.parent === null ? null : place.lane - (isTrunkOf(forest, place) ? 0 : 1);
  return {
    snapshotId: place.key === HEAD ? null : place.key,
    parentId: place.parent === HEAD ? null : place.parent,
    lane: place.lane,
    level: place.level,
    positionInSet: place.positionInSet,
    setSize: place.setSize,
    isOnHeadPath: forest.headPath.has(place.key),
    hasLineDown: trunk !== undefined,
    isLineDownOnHeadPath: trunk !== undefined && forest.headPath.has(trunk),
    passing: place.passing,
    fromLane: parentLane,
  };
}

function isTrunkOf(forest: Forest, place: Place): boolean {
  return forest.children.get(place.parent)?.at(-1) === place.key;
}

function growForest(nodes: ReadonlyMap<string, TreeNode>, headParentId: string | null): Forest {
  const parentOf = (key: Key): string | null => {
    const id = key === HEAD ? headParentId : (nodes.get(key)?.parent?.id ?? null);
    return id !== null && nodes.has(id) ? id : null;
  };
  const headPath = new Set<Key>([HEAD]);
  for (let at = parentOf(HEAD); at !== null && !headPath.has(at); at = parentOf(at)) headPath.add(at);
  const children = new Map<Key | null, Key[]>();
  for (const key of [...nodes.keys(), HEAD] as const) {
    const parent = parentOf(key);
    const siblings = children.get(parent);
    if (siblings) siblings.push(key);
    else children.set(parent, [key]);
  }
  const forest = { children, size: countSubtrees(children), headPath };
  for (const siblings of children.values()) siblings.sort(byTrunkLast(forest, nodes));
  return forest;
}

function countSubtrees(children: Forest['children']): Map<Key, number> {
  const topDown: Key[] = [...(children.get(null) ?? [])];
  for (let index = 0; index < topDown.length; index++) topDown.push(...(children.get(topDown[index] ?? HEAD) ?? []));
  const size = new Map<Key, number>();
  for (const key of topDown.toReversed())
    size.set(
      key,
      (children.get(key) ?? []).reduce((sum, child) => sum + (size.get(child) ?? 0), 1),
    );
  return size;
}

/** Oldest first, but the branch to the head last; where none leads there, the largest last. */
function byTrunkLast(forest: Forest, nodes: ReadonlyMap<string, TreeNode>) {
  const rank = (key: Key) => (forest.headPath.has(key) ? Number.POSITIVE_INFINITY : (forest.size.get(key) ?? 0));
  const born = (key: Key) => (key === HEAD ? '' : (nodes.get(key)?.createdAt ?? ''));
  return (a: Key, b: Key): number => {
    const [rankA, rankB] = [rank(a), rank(b)];
    return rankA === rankB ? born(a).localeCompare(born(b)) : rankA < rankB ? -1 : 1;
  };
}
