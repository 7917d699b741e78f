import { z } from 'zod';
import { layerNode, type StorageDaemon } from './storage-daemon.js';

const bitmap = z.object({
  name: z.string(),
  granularity: z.int(),
  persistent: z.boolean(),
  recording: z.boolean(),
  inconsistent: z.boolean().default(false),
});
const nodes = z.array(z.object({ 'node-name': z.string(), 'dirty-bitmaps': z.array(bitmap).default([]) }));
type Bitmap = z.infer<typeof bitmap>;

/** A run of layers that are open in a daemon: 0 is the reader, `into` what it becomes, `length` layers in all. */
export interface BitmapRun {
  readonly into: number;
  readonly length: number;
}

/**
 * Lets the target of a merge have the dirty bitmaps of its reader: each is what the layers of the run say together, from the top as far down
 * as they have it without a gap; a bitmap below a gap is of a chain that ended (kvm.md §6.4, §6.6). All others go from the target: they
 * would be taken for valid ones. Throws QmpRefusal.
 */
export async function carryBitmaps(daemon: StorageDaemon, { into, length }: BitmapRun): Promise<void> {
  const byNode = new Map(
    nodes.parse(await daemon.execute('query-named-block-nodes', { flat: true })).map((node) => [node['node-name'], node['dirty-bitmaps']]),
  );
  const of = (layer: number): Bitmap[] => byNode.get(layerNode(layer)) ?? [];
  const isValid = ({ persistent, recording, inconsistent }: Bitmap) => persistent && recording && !inconsistent;
  const validIn = (layer: number, name: string) => of(layer).some((each) => each.name === name && isValid(each));
  const node = layerNode(into);
  const kept = new Set<string>();
  for (const { name, granularity } of of(0).filter(isValid)) {
    const gap = Array.from({ length }, (_unused, layer) => layer).find((layer) => !validIn(layer, name)) ?? length;
    const sources = Array.from({ length: gap }, (_unused, layer) => layer).filter((layer) => layer !== into);
    if (into >= gap) {
      if (of(into).some((each) => each.name === name)) await daemon.execute('block-dirty-bitmap-remove', { node, name });
      await daemon.execute('block-dirty-bitmap-add', { node, name, granularity, persistent: true });
    }
    const bitmaps = sources.map((layer) => ({ node: layerNode(layer), name }));
    if (bitmaps.length > 0) await daemon.execute('block-dirty-bitmap-merge', { node, target: name, bitmaps });
    kept.add(name);
  }
  for (const { name } of of(into)) if (!kept.has(name)) await daemon.execute('block-dirty-bitmap-remove', { node, name });
}
