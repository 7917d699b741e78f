import type { Layer, LayerForest, VolumeHead } from '../model/layer-forest.js';
import { type CreateRefusal, planCreate, type VolumeFreeze } from './plan-create.js';
import { type Plan, planStep } from './plan.js';

/** What planVolumeSnapshot looks at. */
export type VolumeSnapshotRequest = {
  forest: LayerForest;
  volume: VolumeHead;
  /** The frozen layer whose view is taken; null: what the volume's head shows now. */
  layerId: string | null;
  /** Of the machine that writes the head. */
  power: 'ON' | 'PAUSED' | 'OFF';
  quiesce: boolean;
  chainLimit: number;
};

/** `chain`: what is copied, the layer whose view it is first. `freeze`: what is frozen before, since a running machine writes it. */
export type VolumeSnapshotPlan = { plan: Plan; chain: Layer[]; freeze: VolumeFreeze | null };

/**
 * Plans a full volume snapshot: a copy of what a layer at rest shows. What a running machine writes is brought to rest first: an empty layer
 * goes over that one head, in one act, and the frozen one is read from then on. It stays below the head, unpinned, until a consolidation
 * merges it away (kvm.md §5.4, the T-trick).
 */
export function planVolumeSnapshot(
  request: VolumeSnapshotRequest,
): { ok: true; value: VolumeSnapshotPlan } | { ok: false; refusal: CreateRefusal } {
  const { forest, volume, layerId, power } = request;
  if (layerId !== null || power === 'OFF') {
    const chain = forest.chainOf(layerId ?? volume.headLayerId);
    return { ok: true, value: { plan: planOf(request, chain, null), chain, freeze: null } };
  }
  const { quiesce, chainLimit } = request;
  const created = planCreate({ forest, volumes: [volume], volumeIds: [volume.volumeId], power, quiesce, chainLimit });
  if (!created.ok) return created;
  const [freeze] = created.value.volumes;
  if (!freeze) throw new Error(`freezing volume ${volume.volumeId} was planned without it`);
  return { ok: true, value: { plan: planOf(request, freeze.chain, created.value.plan), chain: freeze.chain, freeze } };
}

/** The most that the copy can take: every byte that a layer of the chain occupies, or the whole disk. */
function copiedBytes(chain: readonly Layer[]): number {
  const sum = chain.reduce((bytes, layer) => bytes + layer.allocatedBytes, 0);
  return Math.min(sum, chain[0]?.virtualBytes ?? sum);
}

function planOf({ volume }: VolumeSnapshotRequest, chain: readonly Layer[], freezing: Plan | null): Plan {
  const bytesToMove = copiedBytes(chain);
  // The machine's definition belongs to VM snapshots.
  const before = freezing?.steps.filter(({ kind }) => kind !== 'SAVE_DEFINITION') ?? [
    planStep('VERIFY_CHAIN', 'Look at every layer on disk that is read.'),
  ];
  const copy = planStep('COPY_DATA', 'Copy what the disk shows into a file of its own, with a checksum.', {
    volumeId: volume.volumeId,
    layerId: chain[0]?.id ?? null,
    bytesToMove,
  });
  return {
    steps: [...before, copy],
    bytesToMove,
    bytesFreed: 0,
    peakExtraBytes: bytesToMove + (freezing?.peakExtraBytes ?? 0),
    stopsMachine: false,
    losesCurrentState: false,
    warnings: freezing?.warnings ?? [],
  };
}
