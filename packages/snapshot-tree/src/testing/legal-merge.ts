import type { Merge } from '../plan/merge.js';
import type { ModelWorld } from './model-world.js';

/**
 * What libvirt and QEMU allow (kvm.md §5), asked of the world and not of the planner: throws for a merge that a host would refuse, or
 * that would change a file under somebody.
 */
export function assertLegal(world: ModelWorld, merge: Merge): void {
  const forest = world.forest();
  const layers = merge.layerIds.map((id) => forest.layer(id));
  const top = layers.at(-1);
  const target = forest.layer(merge.targetId);
  const open = world.record.heads.filter((head) => {
    const isOpen = head.target !== null && world.running.has(head.machineId);
    return isOpen && forest.chainOf(head.headLayerId).some((layer) => merge.layerIds.includes(layer.id));
  });
  const broken = (what: string) => {
    throw new Error(`${merge.how} merge of ${merge.layerIds.join(' ')} into ${merge.targetId}: ${what}`);
  };
  if (!top) return broken('of nothing');
  if (layers.some((layer) => layer.isTemplate)) broken('has a template in it');
  for (const [index, layer] of layers.entries()) {
    if (index > 0 && layer.backingLayerId !== layers[index - 1]?.id) broken('has layers that are not over one another');
    const isUnder = layer !== top;
    if (isUnder && world.record.pins.some((pin) => pin.layerId === layer.id)) broken(`${layer.id} is pinned`);
    if (isUnder && forest.childrenOf(layer.id).length !== 1) broken(`${layer.id} has other readers`);
  }
  if (target !== top && world.files.sizeOf(target.fileName) > world.files.sizeOf(top.fileName)) broken('makes a disk larger');
  if (target.volumeId !== top.volumeId) broken('moves content into the file of another volume');
  const isWritten = world.record.heads.some((head) => head.headLayerId === top.id);
  if (isWritten && merge.thickens === null && target.format === 'raw') broken('makes a head raw');
  if (merge.how === 'OFFLINE' && open.length > 0) broken('changes files that a machine has open');
  if (merge.how === 'OFFLINE') return;
  const [head, ...others] = open;
  if (!head || others.length > 0 || head.machineId !== merge.machineId) return broken(`is open under ${open.length} heads`);
  const isHead = head.headLayerId === top.id;
  if (target === top && !isHead) broken('pulls into a layer that is not the head');
  if (target !== top && target !== layers[0]) broken('commits into the middle of a running chain');
  if (target !== top && isHead && merge.thickens === null) broken('commits a head that is written');
}
