import type { ForestRecord, MachineHead } from '../model/forest-record.js';
import { BrokenForest, type Layer, LayerForest, type VolumeHead } from '../model/layer-forest.js';
import { unreachableLayers, withoutLayers } from './merge-runs.js';
import { mergeCosts } from './merge-cost.js';
import { type Plan, planStep } from './plan.js';

/** What planFlatten looks at. Heads and pins are those of every machine in the forest. */
export type FlattenRequest = {
  record: ForestRecord<MachineHead>;
  volumeId: string;
  /** TEMPLATE: down to the first layer that others share, which stays below. ALL: the head reads nothing but itself afterwards. */
  downTo: 'TEMPLATE' | 'ALL';
};

/** What flattening a volume's head does: one pull of everything below it, and the discard of what only it read. */
export type FlattenPlan = {
  plan: Plan;
  layerId: string;
  /** The layer that stays below the head; null: none. */
  keptBackingId: string | null;
  /** Layers whose content is copied into the head, bottom first. */
  pulledIds: string[];
  pullBytes: number;
  /** Layers that nothing reads afterwards, each after those over it. */
  discards: string[];
};

/** Why it cannot be planned. ALREADY_FLAT: nothing is below the head that would be pulled. */
export type FlattenRefusal = { code: 'UNKNOWN_VOLUME'; volumeId: string } | { code: 'ALREADY_FLAT'; volumeId: string };

/**
 * Plans to make a volume's chain as short as it can be, where deleting snapshots is not wanted (domain.md: at the bound, CHAIN_TOO_LONG
 * offers to flatten). A pull into the head, which is legal while the machine runs and while it does not, and which changes nothing
 * that others read: snapshots keep their layers, so it costs the bytes of a copy.
 */
export function planFlatten(request: FlattenRequest): { ok: true; value: FlattenPlan } | { ok: false; refusal: FlattenRefusal } {
  const { record, volumeId } = request;
  const head = record.heads.find((one) => one.volumeId === volumeId);
  if (!head) return { ok: false, refusal: { code: 'UNKNOWN_VOLUME', volumeId } };
  const [top, ...below] = new LayerForest(record.layers).chainOf(head.headLayerId);
  const stop = request.downTo === 'ALL' ? -1 : below.findIndex((layer) => layer.isTemplate);
  const pulled = stop < 0 ? below : below.slice(0, stop);
  if (!top || pulled.length === 0) return { ok: false, refusal: { code: 'ALREADY_FLAT', volumeId } };
  const kept = stop < 0 ? null : (below[stop] ?? null);
  const pullBytes = mergeCosts([...pulled.toReversed(), top]).at(-1)?.pullBytes ?? 0;
  const parts = {
    layerId: top.id,
    keptBackingId: kept?.id ?? null,
    pulledIds: pulled.map((layer) => layer.id).toReversed(),
    pullBytes,
  };
  const discards = unreachableLayers(rebased(record, parts));
  return { ok: true, value: { ...parts, discards: discards.map((layer) => layer.id), plan: planOf(top, kept, { pullBytes, discards }) } };
}

/** The record once the pull is done, what nothing reads any more left out. Throws where the plan is of another record. */
export function applyFlatten<H extends VolumeHead>(record: ForestRecord<H>, plan: Omit<FlattenPlan, 'plan'>): ForestRecord<H> {
  if (!record.layers.some((layer) => layer.id === plan.layerId)) throw new BrokenForest(`layer ${plan.layerId} is named but not recorded`);
  const after = rebased(record, plan);
  return withoutLayers(after, unreachableLayers(after));
}

function rebased<H extends VolumeHead>(
  record: ForestRecord<H>,
  plan: { layerId: string; keptBackingId: string | null; pullBytes: number },
): ForestRecord<H> {
  const flat = (layer: Layer): Layer => ({
    ...layer,
    backingLayerId: plan.keptBackingId,
    allocatedBytes: layer.allocatedBytes + plan.pullBytes,
    data: null,
  });
  return { ...record, layers: record.layers.map((layer) => (layer.id === plan.layerId ? flat(layer) : layer)) };
}

function planOf(top: Layer, kept: Layer | null, sums: { pullBytes: number; discards: readonly Layer[] }): Plan {
  const { volumeId, fileName } = top;
  const down = kept === null ? 'all layers below it' : `the layers between it and ${kept.fileName}`;
  const parts = { volumeId, layerId: top.id, fileName, bytesToMove: sums.pullBytes };
  const discarded = sums.discards.reduce((sum, layer) => sum + layer.allocatedBytes, 0);
  return {
    steps: [
      planStep('FLATTEN_LAYER', `Copy what ${fileName} reads from ${down} into it.`, parts),
      planStep('VERIFY_CHAIN', 'Look at every layer on disk and at the definition of the machine.'),
      ...sums.discards.map((layer) => {
        const gone = { volumeId: layer.volumeId, layerId: layer.id, fileName: layer.fileName };
        return planStep('DISCARD_LAYER', `Remove ${layer.fileName}, which nothing reads any more.`, gone);
      }),
    ],
    bytesToMove: sums.pullBytes,
    bytesFreed: Math.max(0, discarded - sums.pullBytes),
    peakExtraBytes: sums.pullBytes,
    stopsMachine: false,
    losesCurrentState: false,
    warnings: sums.pullBytes > discarded ? ['This takes more room than it frees: the snapshots keep the layers that are copied.'] : [],
  };
}
