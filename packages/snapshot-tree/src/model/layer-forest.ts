/** The layer forest: what is on disk. One tree of image files per volume, by backing reference (domain.md, Glossary). */

import type { Extents } from './extents.js';

/** One image file of one volume. Bytes are what the file occupies; `virtualBytes` is the size that the guest sees. */
export type Layer = {
  id: string;
  volumeId: string;
  fileName: string;
  format: 'qcow2' | 'raw';
  /** The layer it is written over; null for a base. */
  backingLayerId: string | null;
  virtualBytes: number;
  allocatedBytes: number;
  /** A base that others share: never merged, in either direction. */
  isTemplate: boolean;
  /** Which of its own bytes are data; null: not measured, so `allocatedBytes` is all that is known. */
  data: Extents | null;
  /** A merge into it began and did not end: only that merge's continuation or a discard may touch it. Nobody reads it but through the run. */
  isSpoiled: boolean;
};

/** A volume and the one layer of it that the machine writes. */
export type VolumeHead = {
  volumeId: string;
  /** vda, vdb, …; null while detached. */
  target: string | null;
  headLayerId: string;
  /** The n of the next layer's name; only grows, so that a name is never used twice. */
  nextLayerNumber: number;
};

/** What a VM snapshot holds on to: one frozen layer per volume. */
export type Pin = { snapshotId: string; volumeId: string; layerId: string };

/** A record that contradicts itself: a bug or a damaged database, never a user's mistake. Names the ids. */
export class BrokenForest extends Error {
  override readonly name = 'BrokenForest';
}

/** Layers with the answers that planners ask; immutable. Throws BrokenForest for a missing backing layer or a loop. */
export class LayerForest {
  readonly #layers: ReadonlyMap<string, Layer>;
  readonly #children: ReadonlyMap<string, readonly Layer[]>;

  constructor(layers: Iterable<Layer>) {
    this.#layers = new Map([...layers].map((layer) => [layer.id, layer]));
    const children = new Map<string, Layer[]>();
    for (const layer of this.#layers.values()) {
      if (layer.backingLayerId === null) continue;
      this.layer(layer.backingLayerId);
      children.set(layer.backingLayerId, [...(children.get(layer.backingLayerId) ?? []), layer]);
    }
    this.#children = children;
  }

  /** All layers, in the order given. */
  layers(): Layer[] {
    return [...this.#layers.values()];
  }

  /** The layer with this id. */
  layer(id: string): Layer {
    const found = this.#layers.get(id);
    if (!found) throw new BrokenForest(`layer ${id} is named but not recorded`);
    return found;
  }

  /** The layers written directly over this one. */
  childrenOf(id: string): readonly Layer[] {
    return this.#children.get(id) ?? [];
  }

  /** From this layer down to its base, this one first: what a reader of it reads. */
  chainOf(id: string): Layer[] {
    const chain: Layer[] = [];
    const seen = new Set<string>();
    for (let next: string | null = id; next !== null; ) {
      if (seen.has(next)) throw new BrokenForest(`layer ${next} is its own backing layer`);
      seen.add(next);
      const layer: Layer = this.layer(next);
      chain.push(layer);
      next = layer.backingLayerId;
    }
    return chain;
  }

  /** Ids of every layer that a reader of one of `roots` reads (invariant 2: reachable). */
  reachableFrom(roots: Iterable<string>): Set<string> {
    const reachable = new Set<string>();
    for (const root of roots) {
      for (const layer of this.chainOf(root)) reachable.add(layer.id);
    }
    return reachable;
  }
}
