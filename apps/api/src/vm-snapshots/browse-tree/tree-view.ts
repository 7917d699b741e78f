import { depthOf, parentsFirst } from '@coppice/snapshot-tree';
import type { SnapshotRecord } from '../snapshot.reads.store.js';
import type { TreeRows } from './tree.reads.store.js';
import { spaceOfTree, type TreeSpace } from './tree-space.js';

/** A snapshot tree as the API shows it, computed from rows of one moment. */
export type TreeView = {
  id: string;
  revision: number;
  nodes: SnapshotRecord[];
  current: SnapshotRecord | null;
  head: { since: Date | null; allocatedBytes: number };
  depth: number;
  space: TreeSpace;
  childrenOf: (snapshotId: string) => SnapshotRecord[];
};

/** Computes the view. A parent that has left the tree makes its child a root, as the tree itself would. */
export function treeView(rows: TreeRows): TreeView {
  const ids = new Set(rows.snapshots.map((snapshot) => snapshot.id));
  const rooted = rows.snapshots.map((snapshot) => {
    return snapshot.parentId !== null && !ids.has(snapshot.parentId) ? { ...snapshot, parentId: null } : snapshot;
  });
  const nodes = parentsFirst(rooted);
  const heads = new Set(rows.headLayerIds);
  const children = new Map<string, SnapshotRecord[]>();
  for (const node of nodes) {
    if (node.parentId === null) continue;
    const siblings = children.get(node.parentId);
    if (siblings) siblings.push(node);
    else children.set(node.parentId, [node]);
  }
  return {
    id: rows.machineId,
    revision: rows.revision,
    nodes,
    current: nodes.find((node) => node.id === rows.currentSnapshotId) ?? null,
    head: {
      since: rows.headSince,
      allocatedBytes: rows.layers.filter((layer) => heads.has(layer.id)).reduce((sum, layer) => sum + layer.allocatedBytes, 0),
    },
    depth: depthOf(nodes),
    space: withMemory(spaceOfTree(rows.layers, rows.pins, heads), nodes),
    childrenOf: (snapshotId) => children.get(snapshotId) ?? [],
  };
}

/** A memory image belongs to its snapshot alone. */
function withMemory(space: TreeSpace, nodes: readonly SnapshotRecord[]): TreeSpace {
  const memory = new Map(nodes.map((node) => [node.id, node.memoryBytes ?? 0]));
  const sum = [...memory.values()].reduce((total, bytes) => total + bytes, 0);
  return {
    ...space,
    total: { ...space.total, exclusiveBytes: space.total.exclusiveBytes + sum },
    ofSnapshot: (snapshotId) => {
      const own = space.ofSnapshot(snapshotId);
      return { ...own, exclusiveBytes: own.exclusiveBytes + (memory.get(snapshotId) ?? 0) };
    },
  };
}
