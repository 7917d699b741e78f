/** Reads of the layer forest for the public API. The caller has been shown the volumes already. */
import type { Reader } from '../platform/database.js';

/** A layer as far as space and chains are concerned. isPresent: its file is there, or may be. */
export type LayerRow = {
  id: string;
  volumeId: string;
  fileName: string;
  backingLayerId: string | null;
  allocatedBytes: number;
  isTemplate: boolean;
  isPresent: boolean;
};

/** The bound of a chain that is followed beyond its own volume (kvm.md: libvirt refuses chains of more than 200 layers). */
const LONGEST_CHAIN = 200;

/** All layers of these volumes that are not discarded, and every layer below them, whichever volume it belongs to. */
export async function layersOfVolumes(reader: Reader, volumeIds: readonly string[]): Promise<LayerRow[]> {
  const select = { id: true, volumeId: true, fileName: true, backingLayerId: true, allocatedBytes: true, isTemplate: true, state: true };
  const rows = await reader.layer.findMany({ where: { volumeId: { in: [...volumeIds] }, state: { not: 'DISCARDED' } }, select });
  for (let round = 0; round < LONGEST_CHAIN; round += 1) {
    const known = new Set(rows.map((row) => row.id));
    const missing = rows.flatMap((row) => (row.backingLayerId !== null && !known.has(row.backingLayerId) ? [row.backingLayerId] : []));
    if (missing.length === 0) break;
    const below = await reader.layer.findMany({ where: { id: { in: missing } }, select });
    if (below.length === 0) break;
    rows.push(...below);
  }
  return rows.map(({ allocatedBytes, state, ...row }) => ({
    ...row,
    allocatedBytes: Number(allocatedBytes),
    isPresent: state === 'PRESENT' || state === 'DISCARDING',
  }));
}
