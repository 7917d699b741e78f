import type { Layer, LayerForest, VolumeHead } from '../model/layer-forest.js';
import type { VmSnapshotKind } from './delete-plan.js';
import { layerFileName } from './layer-file-name.js';
import { type Plan, type PlanStep, planStep } from './plan.js';

/**
 * Most layers from a head down to its base, both included, on any volume. libvirt refuses chains of more than 200 layers, and reading
 * through 64 costs 3.1 times what one costs (performance.md, row 11).
 */
export const CHAIN_LIMIT = 64;

/** What an empty overlay may occupy at most at once: header, tables and the first clusters that a busy guest writes while we look. */
export const OVERLAY_RESERVE_BYTES = 4 * 1024 * 1024;

/**
 * Layers of the limit that create and snapshotFirst leave free, so that a running machine's head can always be frozen under a thin one
 * and merged (kvm.md §5.4, the T-trick).
 */
export const T_TRICK_RESERVE = 1;

/** What planCreate looks at. */
export type CreateRequest = {
  forest: LayerForest;
  /** Every volume attached to the machine. */
  volumes: readonly VolumeHead[];
  /** The wanted ones; null: all. */
  volumeIds: readonly string[] | null;
  power: 'ON' | 'PAUSED' | 'OFF';
  quiesce: boolean;
  /** DISK where not given. DISK_AND_MEMORY only of a machine that is ON, with every volume, without quiesce: the caller has checked that. */
  kind?: VmSnapshotKind;
  /** The machine's memory, all of which the image of a DISK_AND_MEMORY snapshot may occupy; 0 where not given. */
  memoryBytes?: number;
  chainLimit: number;
};

/** Why it cannot be planned, with what the sentence needs. */
export type CreateRefusal =
  | { code: 'NO_VOLUMES' }
  | { code: 'UNKNOWN_VOLUME'; volumeId: string }
  | { code: 'CHAIN_TOO_LONG'; volumeId: string; target: string; length: number; limit: number };

/** A volume with what will happen to it: `frozen` is its head now, `newFileName` its head after. */
export type VolumeFreeze = { volumeId: string; target: string; frozen: Layer; chain: Layer[]; newFileName: string; virtualBytes: number };

/** A plan, and the volumes in the order of its steps. */
export type CreatePlan = { plan: Plan; volumes: VolumeFreeze[] };

/**
 * Plans a snapshot: an empty layer over each head first, then one atomic act that freezes all heads and switches to them, inside
 * a quiesce if asked and the guest runs, then the machine's definition, then a look at the disk. Moves no bytes
 * of disks; of the memory at most all.
 */
export function planCreate(request: CreateRequest): { ok: true; value: CreatePlan } | { ok: false; refusal: CreateRefusal } {
  const chosen = chooseVolumes(request);
  if (!chosen.ok) return chosen;
  const volumes = chosen.value;
  assertMemory(request, volumes);
  for (const volume of volumes) {
    if (volume.chain.length + 1 + T_TRICK_RESERVE > request.chainLimit) {
      const { volumeId, target } = volume;
      return { ok: false, refusal: { code: 'CHAIN_TOO_LONG', volumeId, target, length: volume.chain.length, limit: request.chainLimit } };
    }
  }
  return { ok: true, value: { plan: planOf(request, volumes), volumes } };
}

/** Memory goes on only with every disk as it was, and is there only while the machine runs. */
function assertMemory(request: CreateRequest, volumes: readonly VolumeFreeze[]): void {
  if (request.kind !== 'DISK_AND_MEMORY') return;
  const attached = request.volumes.filter((volume) => volume.target !== null).length;
  if (request.power === 'ON' && !request.quiesce && volumes.length === attached) return;
  throw new Error('a snapshot with memory is of a running machine, of all its volumes, and without quiesce');
}

function chooseVolumes(request: CreateRequest): { ok: true; value: VolumeFreeze[] } | { ok: false; refusal: CreateRefusal } {
  const attached = request.volumes.flatMap((volume) => (volume.target === null ? [] : [{ ...volume, target: volume.target }]));
  const wanted = request.volumeIds === null ? null : new Set(request.volumeIds);
  for (const volumeId of wanted ?? []) {
    if (!attached.some((volume) => volume.volumeId === volumeId)) return { ok: false, refusal: { code: 'UNKNOWN_VOLUME', volumeId } };
  }
  const chosen = attached.filter((volume) => wanted === null || wanted.has(volume.volumeId));
  if (chosen.length === 0) return { ok: false, refusal: { code: 'NO_VOLUMES' } };
  chosen.sort((a, b) => (a.target < b.target ? -1 : 1));
  return { ok: true, value: chosen.map((volume) => freezeOf(request.forest, volume)) };
}

function freezeOf(forest: LayerForest, volume: VolumeHead & { target: string }): VolumeFreeze {
  const frozen = forest.layer(volume.headLayerId);
  return {
    volumeId: volume.volumeId,
    target: volume.target,
    frozen,
    chain: forest.chainOf(frozen.id),
    newFileName: layerFileName(volume.volumeId, volume.nextLayerNumber),
    virtualBytes: frozen.virtualBytes,
  };
}

function planOf(request: CreateRequest, volumes: VolumeFreeze[]): Plan {
  const quiesces = request.quiesce && request.power === 'ON';
  const memoryBytes = request.kind === 'DISK_AND_MEMORY' ? (request.memoryBytes ?? 0) : 0;
  const steps: PlanStep[] = [
    ...volumes.map((volume) => stepFor('CREATE_LAYER', volume, `Make an empty layer for ${volume.target}.`)),
    ...(quiesces ? [planStep('QUIESCE_GUEST', 'Freeze the file systems of the guest through its agent.')] : []),
    ...(request.kind === 'DISK_AND_MEMORY'
      ? [planStep('SAVE_MEMORY', 'Save the memory while the guest goes on.', { bytesToMove: memoryBytes })]
      : []),
    ...volumes.map((volume) => stepFor('FREEZE_LAYER', volume, `Freeze ${volume.target} and write on in its new layer.`)),
    ...(quiesces ? [planStep('THAW_GUEST', 'Thaw the file systems of the guest.')] : []),
    planStep('SAVE_DEFINITION', 'Keep the definition of the machine with the snapshot.'),
    planStep('VERIFY_CHAIN', 'Look at every layer on disk and at the definition of the machine.'),
  ];
  return {
    steps,
    bytesToMove: memoryBytes,
    bytesFreed: 0,
    peakExtraBytes: volumes.length * OVERLAY_RESERVE_BYTES + memoryBytes,
    stopsMachine: false,
    losesCurrentState: false,
    warnings: warningsFor(request, quiesces),
  };
}

function stepFor(kind: PlanStep['kind'], volume: VolumeFreeze, description: string): PlanStep {
  return planStep(kind, description, { volumeId: volume.volumeId, layerId: volume.frozen.id, fileName: volume.newFileName });
}

function warningsFor(request: CreateRequest, quiesces: boolean): string[] {
  if (request.power === 'OFF') return [];
  if (quiesces || request.kind === 'DISK_AND_MEMORY') return [];
  return ['The guest is not quiesced: the snapshot is what a power cut would leave, and file systems replay their journal after a revert.'];
}
