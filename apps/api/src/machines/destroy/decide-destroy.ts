/** Whether a machine may be destroyed now. Pure. */
import { done, type Outcome, refused } from '../../errors/refusal.js';
import { checkRepointed } from '../../vm-snapshots/check-repointed.js';
import { memoryFileName, nvramFileName } from '../../vm-snapshots/snapshot-files.js';
import { wholeMachine } from '../claimed-by-machine.js';
import { checkDrift, checkFree, checkHost } from '../check-machine.js';
import { linkOf, type MachineFacts } from '../machine-facts.store.js';
import { namedVolume } from '../layer-names.js';
import { type DestroyPlan, planDestroy } from './plan-destroy.js';

/** A layer as discard-layers names it. */
export type DiscardedLayer = { layerId: string; volumeId: string; pool: string; fileName: string };

/** What is going to be done. `files`: what to claim. */
export type DestroyDecision = {
  plan: DestroyPlan;
  layers: DiscardedLayer[];
  snapshotFiles: { pool: string; fileName: string }[];
  files: string[];
};

/**
 * A saved state goes with the machine, and one that its host has no more (undefined by hand) can go from the record too: whoever still has a
 * file of it open, on any host, keeps it locked, and then it is not discarded. Any other drift means files that nobody recorded.
 */
const TOLERATES = ['MANAGED_SAVE', 'DOMAIN_MISSING'];

/** In any state of power: whoever destroys a machine has said what becomes of what it does. Locked snapshots go too, as the machine does. */
export function decideDestroy(facts: MachineFacts): Outcome<DestroyDecision> {
  const refusal = checkFree(facts) ?? checkRepointed(facts) ?? checkDrift(facts, TOLERATES) ?? checkHost(facts, []);
  if (refusal) return refused(refusal);
  const plan = planDestroy(facts);
  const layers = plan.discarded.map((layer) => {
    const { pool, fileName } = linkOf(facts, layer);
    return { layerId: layer.id, volumeId: namedVolume(layer), pool, fileName };
  });
  return done({ plan, layers, snapshotFiles: snapshotFilesOf(facts), files: wholeMachine(facts) });
}

function snapshotFilesOf({ snapshots }: MachineFacts): { pool: string; fileName: string }[] {
  return snapshots.flatMap(({ id, filePool, hasNvram, kind, memoryBytes }) => {
    if (filePool === null) return [];
    const hasMemory = kind === 'DISK_AND_MEMORY' || memoryBytes !== null;
    const names = [...(hasMemory ? [memoryFileName(id)] : []), ...(hasNvram ? [nvramFileName(id)] : [])];
    return names.map((fileName) => ({ pool: filePool, fileName }));
  });
}
