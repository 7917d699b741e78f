/**
 * What of a drifted machine can become the record without losing anything. Pure.
 *
 *   layers over the recorded ones        → layers of the volume; the old head is frozen, the uppermost is the head
 *   a disk that is not recorded          → a volume of the machine (the known one, where its files are those of a detached volume)
 *   a recorded disk that is not there    → the volume is detached; its files stay
 *   another disk at the same target      → the last two
 *   snapshot objects of libvirt          → forgotten by libvirt; every file stays
 *   anything else                        → not adopted: what snapshots read may have changed
 */
import type { InventoryDisk, InventoryMachine } from '@coppice/protocol';
import { done, type Outcome, refused } from '../../errors/refusal.js';
import { compareChains } from '../compare-chains.js';
import { managedDisks } from '../compare-inventory.js';
import { isRecordable } from '../found-machine.store.js';

/** A recorded disk: its chain, head first; `pool`: where the volume's layers lie. */
export type AdoptableDisk = { volumeId: string; target: string; pool: string; chain: readonly { pool: string; fileName: string }[] };

/** A layer that was made behind our back. */
export type AdoptedLayer = { fileName: string; format: string; virtualBytes: number; allocatedBytes: number };

/** `grown`: layers from the lowest up. `found`: disks whose files are not those of any recorded disk of the machine. */
export type Adoption = {
  grown: { volumeId: string; target: string; layers: AdoptedLayer[] }[];
  detached: { volumeId: string; target: string }[];
  found: InventoryDisk[];
};

/** See the file's head. A refusal names the first disk that cannot be adopted. */
export function planAdoption(recorded: readonly AdoptableDisk[], seen: InventoryMachine): Outcome<Adoption> {
  const adoption: Adoption = { grown: [], detached: [], found: [] };
  const disks = new Map(managedDisks(seen).map((disk) => [disk.target, disk]));
  for (const [target, disk] of disks) {
    if (isRecordable(disk) && disk.chain.every((layer) => layer.internalSnapshots === 0)) continue;
    return cannot(target, 'its files cannot all be read, or are of a kind that Coppice does not look after');
  }
  for (const { volumeId, target, pool, chain } of recorded) {
    const disk = disks.get(target);
    if (!disk) {
      adoption.detached.push({ volumeId, target });
      continue;
    }
    const compared = compareChains(chain, disk.chain);
    switch (compared.kind) {
      case 'SAME':
        disks.delete(target);
        break;
      case 'GROWN': {
        const layers = disk.chain.slice(0, compared.onTop).toReversed();
        if (layers.some((layer) => layer.pool !== pool)) return cannot(target, 'it has layers in another pool than its volume');
        if (layers.some((layer) => layer.format !== 'qcow2')) return cannot(target, 'it has layers that are not qcow2');
        adoption.grown.push({ volumeId, target, layers: layers.map(layerOf) });
        disks.delete(target);
        break;
      }
      case 'EXCHANGED':
        adoption.detached.push({ volumeId, target });
        break;
      case 'DIFFERENT':
        return cannot(
          target,
          'layers that snapshots may read are not where they were; repairing puts the stopped machine back on the recorded ones',
        );
    }
  }
  adoption.found.push(...disks.values());
  return done(adoption);
}

function layerOf({ fileName, format, virtualBytes, allocatedBytes }: InventoryDisk['chain'][number]): AdoptedLayer {
  return { fileName, format, virtualBytes, allocatedBytes };
}

function cannot(target: string, why: string): Outcome<Adoption> {
  return refused({ code: 'MACHINE_DRIFTED', message: `Disk ${target} cannot be adopted: ${why}. Nothing was changed.` });
}
