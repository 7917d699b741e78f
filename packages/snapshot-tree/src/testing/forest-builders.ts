import { extentsFrom } from '../model/extents.js';
import type { MachineHead } from '../model/forest-record.js';
import type { Layer } from '../model/layer-forest.js';
import type { Merge } from '../plan/merge.js';

/** A measured layer of volume v; `data` are its clusters of one byte. Its file name is its id. */
export function layer(id: string, backingLayerId: string | null, data: readonly number[] = []): Layer {
  return {
    id,
    volumeId: 'v',
    fileName: id,
    format: 'qcow2',
    backingLayerId,
    virtualBytes: 100,
    allocatedBytes: data.length,
    isTemplate: false,
    data: extentsFrom(data.map((at) => [at, at + 1] as const)),
    isSpoiled: false,
  };
}

/** A range of numbers, for data of many clusters. */
export function clusters(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** The head of volume v of machine m. */
export function head(headLayerId: string, changed: Partial<MachineHead> = {}): MachineHead {
  return { volumeId: 'v', target: 'vda', headLayerId, nextLayerNumber: 9, machineId: 'm', isRunning: false, ...changed };
}

/** A merge of closed files of which only the layers matter. */
export function offlineMerge(layerIds: string[], targetId: string): Merge {
  return {
    volumeId: 'v',
    layerIds,
    targetId,
    how: 'OFFLINE',
    machineId: null,
    thickens: null,
    leavesHead: false,
    commitBytes: 0,
    pullBytes: 0,
    repointIds: [],
    liveChildId: null,
    garbageIds: layerIds.filter((id) => id !== targetId).toReversed(),
  };
}
