/** The new volumes of a clone or a template, and the commands that make them. */
import { chainLink, diskTarget, layerFileName as layerFileNameSchema, poolName } from '@coppice/protocol';
import { layerFileName } from '@coppice/snapshot-tree';
import { z } from 'zod';
import { linkOf, type MachineFacts, poolNameOf } from '../../machines/machine-facts.store.js';
import { resourceOf } from '../../operations/claim.store.js';
import type { OperationPlan } from '../../operations/operation.store.js';
import type { Stage } from '../../operations/program.js';
import { newId } from '../../platform/ids.js';
import type { SourceDisk } from './decide-source.js';

/** One new volume with its one layer. `chain`: what it begins with, the frozen layer first. */
export const copy = z.object({
  volumeId: z.guid(),
  layerId: z.uuid(),
  /** Whose layer is read. */
  sourceVolumeId: z.guid(),
  target: diskTarget,
  pool: poolName,
  fileName: layerFileNameSchema,
  virtualBytes: z.int(),
  chain: z.array(chainLink).min(1),
});
export type Copy = z.infer<typeof copy>;

/** Ids of new volumes, one for each disk. */
export type NewVolumeIds = { volumeId: string; layerId: string }[];

/** Most disks of a machine (protocol). */
const MOST_DISKS = 64;

/** For as many disks as a machine can have: ids are claimed, and how many disks the snapshot has is known later. */
export function newVolumeIds(): NewVolumeIds {
  return Array.from({ length: MOST_DISKS }, () => ({ volumeId: newId(), layerId: newId() }));
}

/** What each disk becomes. */
export function copiesOf(facts: MachineFacts, disks: readonly SourceDisk[], ids: NewVolumeIds): Copy[] {
  return disks.map(({ target, layer, chain }, index) => {
    const id = ids[index];
    if (!id) throw new Error(`a snapshot of machine ${facts.machine.id} has more than ${MOST_DISKS} disks`);
    return {
      ...id,
      sourceVolumeId: layer.volumeId,
      target,
      pool: poolNameOf(facts, layer.volumeId),
      fileName: layerFileName(id.volumeId, 0),
      virtualBytes: layer.virtualBytes,
      chain: chain.map((link) => linkOf(facts, link)),
    };
  });
}

/** The new layer as commands name it. */
export function fileOf({ pool, fileName }: Copy): z.infer<typeof chainLink> {
  return { pool, fileName, format: 'qcow2' };
}

/** Everything that is read and made: the forests of the chains, the new volumes. Templates are read by many at once. */
export function resourcesOfCopies(disks: readonly SourceDisk[], ids: NewVolumeIds): string[] {
  const forests = disks.flatMap(({ chain }) =>
    chain.filter((layer) => !layer.isTemplate).map(({ volumeId }) => resourceOf.layerForest(volumeId)),
  );
  const made = ids.slice(0, disks.length).map(({ volumeId }) => resourceOf.layerForest(volumeId));
  return [...forests, ...made];
}

/** Commands with the steps that people see them carry out; others may follow. */
type Making = { steps: OperationPlan['steps']; program: Stage[] };

/** The one command that makes a new head over each frozen layer. */
export function shareLayers(machineUuid: string, copies: readonly Copy[]): Making {
  const steps = copies.map(({ target, volumeId }) => ({ kind: 'CREATE_LAYER', description: `Make a layer for ${target}.`, volumeId }));
  const volumes = copies.map(({ volumeId, target, pool, fileName: newFileName, virtualBytes, chain }) => {
    return { volumeId, target, pool, newFileName, virtualBytes, over: 'FROZEN' as const, chain };
  });
  const body = { verb: 'create-layers' as const, machineUuid, volumes };
  return { steps, program: [{ phase: 'Making layers', steps: steps.map((_step, position) => position), body }] };
}

/** A command for each disk that copies what its layer shows into a file of its own, in the order of the disks. */
export function copyLayers(machineUuid: string, copies: readonly Copy[]): Making {
  const program = copies.map(({ sourceVolumeId, target, pool, fileName, chain }, position): Stage => {
    const to = { pool, fileName };
    // The layer is no machine's head: its machine may run, be off, or have another disk there by now.
    const body = { verb: 'copy-layer' as const, machineUuid, volumeId: sourceVolumeId, target: null, chain, to, bytesPerSecond: null };
    return { phase: `Copying ${target}`, steps: [position], body };
  });
  const steps = copies.map(({ target, volumeId }) => ({ kind: 'COPY_DATA', description: `Copy what ${target} shows.`, volumeId }));
  return { steps, program };
}

/** Removes what was made, in whatever state it is. */
export function discardCopies(machineUuid: string, copies: readonly Copy[]): Stage {
  const layers = copies.map(({ volumeId, pool, fileName }) => ({ volumeId, pool, fileName }));
  return { phase: 'Removing what was made', steps: [], body: { verb: 'discard-layers', machineUuid, layers, snapshotFiles: [] } };
}
