import type { ForestRecord } from '../model/forest-record.js';
import { BrokenForest, type Layer, type VolumeHead } from '../model/layer-forest.js';
import { bytesOf, unionOf } from '../model/extents.js';

/**
 * One merge of layers that are over one another: afterwards one file shows what the top one showed.
 *
 *   before: below ◀─ U1 ◀─ … ◀─ Um ◀─ C ◀─ children        U: unpinned, one child each. C: pinned, written, or with several children
 *   after:  below ◀──────── target ◀────── children          the target is one of U1 … Um, C; the others are garbage
 *
 * What is above the target is committed into it in one job, then what is below and not covered is pulled into it. A commit spoils the
 * target from its first byte; a pull changes nothing that anybody reads. Where the target is not C, everything that pointed at C
 * (pins, head, children) points at the target afterwards.
 */
export type Merge = {
  /** C's volume; the target is of the same one, since file names say whose they are. */
  volumeId: string;
  /** Bottom first; the last is C. */
  layerIds: string[];
  targetId: string;
  /** LIVE: by a block job of the machine's QEMU. OFFLINE: by a process of our own, on files that no machine has open. */
  how: 'LIVE' | 'OFFLINE';
  /** LIVE: the one running machine that has these layers open; null offline. */
  machineId: string | null;
  /**
   * The T-trick (kvm.md §5.4): C is the head of a running machine and is first frozen under a new, empty head with this file name,
   * without a snapshot; then it is committed like any inner layer. Null: not needed.
   */
  thickens: string | null;
  /** The layers stop short of the head over them, because merging that as well would move more: the result is at rest under it. */
  leavesHead: boolean;
  /** Bytes from above the target into it. */
  commitBytes: number;
  /** Bytes from below the target into it. */
  pullBytes: number;
  /** Children of C whose headers we re-point at the target after the commit; the one that QEMU re-points itself is not among them. */
  repointIds: string[];
  /** LIVE: C's child in the chain of the running machine, re-pointed by QEMU; null where C is the head or nothing is re-pointed. */
  liveChildId: string | null;
  /** Layers that nothing reads after it, topmost first. Their files go by the discard at the end, not by the merge. */
  garbageIds: string[];
};

/** The new head of the T-trick exists and is switched to: what a host recorded before the merge itself begins. Throws where it is not due. */
export function applyThicken<H extends VolumeHead>(record: ForestRecord<H>, merge: Merge, newLayerId: string): ForestRecord<H> {
  const topId = topOf(merge);
  const top = layerOf(record, topId);
  if (merge.thickens === null || !record.heads.some((head) => head.headLayerId === topId)) {
    throw new BrokenForest(`layer ${topId} is not a head that this merge thickens`);
  }
  const thin: Layer = {
    ...top,
    id: newLayerId,
    fileName: merge.thickens,
    format: 'qcow2',
    backingLayerId: topId,
    allocatedBytes: 0,
    data: [],
    isTemplate: false,
    isSpoiled: false,
  };
  const heads = record.heads.map((head) =>
    head.headLayerId === topId ? { ...head, headLayerId: newLayerId, nextLayerNumber: head.nextLayerNumber + 1 } : head,
  );
  return { ...record, layers: [...record.layers, thin], heads };
}

/**
 * The record after a merge that is done, its garbage left out: what a store writes, and what the tests hold against files. A thickened
 * merge has had applyThicken before. Bytes are as far as they can be known; a host's measurement replaces them.
 */
export function applyMerge<H extends VolumeHead>(record: ForestRecord<H>, merge: Merge): ForestRecord<H> {
  const members = merge.layerIds.map((id) => layerOf(record, id));
  const [bottom, top, target] = [members[0], members.at(-1), layerOf(record, merge.targetId)];
  if (!bottom || !top || !members.includes(target)) throw new BrokenForest(`layer ${target.id} is not among the layers of its merge`);
  if (merge.thickens !== null && record.heads.some((head) => head.headLayerId === top.id)) {
    throw new BrokenForest(`layer ${top.id} is written still: the head over it is not recorded`);
  }
  const merged: Layer = {
    ...target,
    backingLayerId: bottom.backingLayerId,
    virtualBytes: top.virtualBytes,
    allocatedBytes: target.allocatedBytes + mergedGrowth(members, target, merge),
    data: members.reduce<Layer['data']>((sum, layer) => (sum && layer.data ? unionOf(sum, layer.data) : null), []),
    isSpoiled: merge.leavesHead && members.some((layer) => layer.isSpoiled),
  };
  const garbage = new Set(merge.layerIds.filter((id) => id !== target.id));
  const moved = (id: string) => (id === top.id ? target.id : id);
  return {
    layers: record.layers
      .filter((layer) => !garbage.has(layer.id))
      .map((layer) => {
        if (layer.id === target.id) return merged;
        return layer.backingLayerId === top.id ? { ...layer, backingLayerId: target.id } : layer;
      }),
    heads: record.heads.map((head) => ({ ...head, headLayerId: moved(head.headLayerId) })),
    pins: record.pins.map((pin) => ({ ...pin, layerId: moved(pin.layerId) })),
  };
}

/** A merge that was stopped, or failed, after its first byte: what a commit wrote into is spoiled until a merge over the same layers ends. */
export function applyStoppedMerge<H extends VolumeHead>(record: ForestRecord<H>, merge: Merge): ForestRecord<H> {
  if (merge.targetId === topOf(merge)) return record;
  const layers = record.layers.map((layer) => (layer.id === merge.targetId ? { ...layer, data: null, isSpoiled: true } : layer));
  return { ...record, layers };
}

/** By how many bytes the target's file grows at most: less than what is moved, where it is known to have room for it. */
function mergedGrowth(members: readonly Layer[], target: Layer, merge: Pick<Merge, 'commitBytes' | 'pullBytes'>): number {
  const all = members.reduce<Layer['data']>((sum, layer) => (sum && layer.data ? unionOf(sum, layer.data) : null), []);
  if (all === null || target.data === null) return merge.commitBytes + merge.pullBytes;
  return bytesOf(all) - bytesOf(target.data);
}

function topOf(merge: Merge): string {
  const top = merge.layerIds.at(-1);
  if (top === undefined) throw new BrokenForest('a merge of no layers');
  return top;
}

function layerOf(record: ForestRecord, id: string): Layer {
  const found = record.layers.find((layer) => layer.id === id);
  if (!found) throw new BrokenForest(`layer ${id} is named but not recorded`);
  return found;
}
