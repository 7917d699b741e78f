import { LayerForest } from '@coppice/snapshot-tree';
import { linkOf, type MachineFacts } from './machine-facts.store.js';

/** A disk that a machine must be on before a host acts: its target and its chain, head first. */
export type ExpectedDisk = { target: string; chain: ReturnType<typeof linkOf>[] };

/** All recorded disks of a machine, vda first. Throws where a volume that is attached has no head, which is a broken record. */
export function expectedDisks(facts: MachineFacts): ExpectedDisk[] {
  const forest = new LayerForest(facts.layers);
  return facts.volumes.map(({ id, target, headLayerId }) => {
    if (target === null || headLayerId === null) throw new Error(`volume ${id} is attached without a target or a head`);
    return { target, chain: forest.chainOf(headLayerId).map((layer) => linkOf(facts, layer)) };
  });
}
