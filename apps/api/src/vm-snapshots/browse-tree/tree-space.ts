/** How many bytes each snapshot keeps, for a whole tree in one pass over its layers. Pure. */

/** A layer as far as space is concerned. */
export type SpaceLayer = { id: string; volumeId: string; backingLayerId: string | null; allocatedBytes: number; isTemplate: boolean };
/** What a snapshot holds on to. */
export type SpacePin = { snapshotId: string; layerId: string };
/** Bytes by who reads them (the contract's SpaceUse). */
export type SpaceUse = { exclusiveBytes: number; sharedBytes: number; retainedBytes: number };
/** A layer that no snapshot pins and that several layers were written over, with the snapshots that read it. */
export type Retained = { volumeId: string; bytes: number; readBy: string[] };

/** The space of a tree. `ofSnapshot` is zero for a snapshot that pins nothing. */
export type TreeSpace = { total: SpaceUse; ofSnapshot: (snapshotId: string) => SpaceUse; retained: Retained[] };

const NONE: SpaceUse = { exclusiveBytes: 0, sharedBytes: 0, retainedBytes: 0 };

type Node = { layer: SpaceLayer; children: Node[]; pins: string[]; isHead: boolean; readers: number };

function add(a: SpaceUse, b: SpaceUse): SpaceUse {
  return {
    exclusiveBytes: a.exclusiveBytes + b.exclusiveBytes,
    sharedBytes: a.sharedBytes + b.sharedBytes,
    retainedBytes: a.retainedBytes + b.retainedBytes,
  };
}

function isRetained(node: Node): boolean {
  return !node.layer.isTemplate && node.pins.length === 0 && !node.isHead && node.children.length >= 2;
}

function classOf(node: Node): SpaceUse {
  const bytes = node.layer.allocatedBytes;
  if (isRetained(node)) return { ...NONE, retainedBytes: bytes };
  return node.readers === 1 && !node.layer.isTemplate ? { ...NONE, exclusiveBytes: bytes } : { ...NONE, sharedBytes: bytes };
}

/** Roots first, so that walking backwards sees children before parents. Layers of a loop are never reached, so they are left out. */
function rootsFirst(nodes: ReadonlyMap<string, Node>): Node[] {
  const ordered: Node[] = [];
  for (const node of nodes.values()) {
    const below = node.layer.backingLayerId === null ? undefined : nodes.get(node.layer.backingLayerId);
    if (below) below.children.push(node);
    else ordered.push(node);
  }
  for (let at = 0; at < ordered.length; at += 1) ordered.push(...(ordered[at]?.children ?? []));
  return ordered;
}

function snapshotsAbove(node: Node): string[] {
  const found = new Set<string>();
  const open = [node];
  for (let next = open.pop(); next; next = open.pop()) {
    for (const id of next.pins) found.add(id);
    open.push(...next.children);
  }
  return [...found];
}

/**
 * Counts for every layer how many roots (pins and heads) read it, from the leaves down; then sums each snapshot's chain from its base
 * up, so that the work grows with the number of layers and not with its square.
 */
export function spaceOfTree(layers: readonly SpaceLayer[], pins: readonly SpacePin[], headLayerIds: ReadonlySet<string>): TreeSpace {
  const nodes = new Map<string, Node>(
    layers.map((layer) => [layer.id, { layer, children: [], pins: [], isHead: headLayerIds.has(layer.id), readers: 0 }]),
  );
  for (const pin of pins) nodes.get(pin.layerId)?.pins.push(pin.snapshotId);
  const ordered = rootsFirst(nodes);
  const pinned = new Set<Node>();
  for (const node of ordered.toReversed()) {
    node.readers = node.pins.length + (node.isHead ? 1 : 0) + node.children.reduce((sum, child) => sum + child.readers, 0);
    if (node.pins.length > 0 || node.children.some((child) => pinned.has(child))) pinned.add(node);
  }
  const chains = new Map<string, SpaceUse>();
  const bySnapshot = new Map<string, SpaceUse>();
  let total = NONE;
  for (const node of ordered) {
    const own = classOf(node);
    const chain = add(chains.get(node.layer.backingLayerId ?? '') ?? NONE, own);
    chains.set(node.layer.id, chain);
    if (pinned.has(node)) total = add(total, own);
    for (const id of node.pins) bySnapshot.set(id, add(bySnapshot.get(id) ?? NONE, chain));
  }
  const retained = ordered
    .filter((node) => isRetained(node) && node.readers > 0)
    .map((node) => ({ volumeId: node.layer.volumeId, bytes: node.layer.allocatedBytes, readBy: snapshotsAbove(node) }));
  return { total, ofSnapshot: (snapshotId) => bySnapshot.get(snapshotId) ?? NONE, retained };
}
