import type { MachineFacts } from '../../machines/machine-facts.store.js';
import type { Transaction } from '../../platform/database.js';
import { moveLayers } from '../volume.store.js';
import type { Copy } from './copies.js';
import type { SourceDisk } from './decide-source.js';

type Inserted = {
  copies: readonly Copy[];
  disks: readonly SourceDisk[];
  facts: MachineFacts;
  /** What the volumes are called after. */
  name: string;
  projectId: string;
  /** Null: they are no machine's, and never will be (a template's). */
  virtualMachineId: string | null;
  /** They stand alone, instead of being written over the frozen layers. */
  isCopied: boolean;
};

/** The volumes without a head, each with its layer PLANNED. */
export async function insertCopies(transaction: Transaction, inserted: Inserted): Promise<void> {
  const { copies, disks, facts, name, projectId, virtualMachineId, isCopied } = inserted;
  for (const [index, { volumeId, layerId, target, fileName, virtualBytes }] of copies.entries()) {
    const source = disks[index];
    const pool = [...facts.volumes, ...facts.otherVolumes].find((volume) => volume.id === source?.layer.volumeId)?.pool;
    if (!source || !pool) throw new Error(`disk ${target} of machine ${facts.machine.id} was read without its pool`);
    await transaction.volume.create({
      data: {
        id: volumeId,
        name: `${name}-${target}`,
        projectId,
        virtualMachineId,
        target: virtualMachineId === null ? null : target,
        poolId: pool.id,
        virtualBytes: BigInt(virtualBytes),
        nextLayerNumber: 1,
      },
    });
    const backingLayerId = isCopied ? null : source.layer.id;
    await transaction.layer.create({
      data: { id: layerId, volumeId, fileName, format: 'qcow2', state: 'PLANNED', backingLayerId, virtualBytes: BigInt(virtualBytes) },
    });
  }
}

/** The files are there, which nothing reads yet: only their sizes are noted. */
export async function noteSize(transaction: Transaction, { layerId }: Copy, allocatedBytes: number): Promise<void> {
  await transaction.layer.update({ where: { id: layerId }, data: { allocatedBytes: BigInt(allocatedBytes) } });
}

/** The layers are garbage, or (`DISCARDED`) were never files; their volumes are nobody's. */
export async function giveUpCopies(transaction: Transaction, copies: readonly Copy[], become: 'DISCARDING' | 'DISCARDED'): Promise<void> {
  await moveLayers(transaction, layerIdsOf(copies), { from: 'PLANNED', to: become });
  const ids = copies.map(({ volumeId }) => volumeId);
  await transaction.volume.updateMany({ where: { id: { in: ids } }, data: { virtualMachineId: null, target: null, headLayerId: null } });
}

/** The host said that their files are gone. */
export async function discardedCopies(transaction: Transaction, copies: readonly Copy[]): Promise<void> {
  await moveLayers(transaction, layerIdsOf(copies), { from: 'DISCARDING', to: 'DISCARDED' });
}

function layerIdsOf(copies: readonly Copy[]): string[] {
  return copies.map(({ layerId }) => layerId);
}
