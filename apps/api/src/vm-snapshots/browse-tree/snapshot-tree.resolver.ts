import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { GraphQLContext } from '../../graphql/context.js';
import { Cursor } from '../../graphql/scalars.js';
import { Volume } from '../../volumes/volume.type.js';
import { SpaceUse } from '../snapshot.type.js';
import { RetainedLayer, SnapshotTree } from './snapshot-tree.type.js';
import type { TreeView } from './tree-view.js';

type RetainedRecord = { volumeId: string; bytes: number; readBy: object[] };

@Resolver(() => SnapshotTree)
export class SnapshotTreeResolver {
  @FieldResolver(() => Cursor, {
    description: 'Subscribe from here and nothing after this answer is missed: not later than any data in it.',
  })
  cursor(@Ctx() context: GraphQLContext): string {
    return context.cursor;
  }

  @FieldResolver(() => SpaceUse, {
    description: 'What all snapshots keep: exclusive is read by exactly one of them, shared by several or by the present state too.',
  })
  space(@Root() tree: TreeView) {
    return tree.space.total;
  }

  @FieldResolver(() => [RetainedLayer], { description: 'Layers that no snapshot names any more but that several branches still read.' })
  retainedLayers(@Root() tree: TreeView): RetainedRecord[] {
    const byId = new Map(tree.nodes.map((node) => [node.id, node]));
    return tree.space.retained.map(({ volumeId, bytes, readBy }) => {
      const readers = readBy.flatMap((id) => {
        const node = byId.get(id);
        return node ? [node] : [];
      });
      return { volumeId, bytes, readBy: readers };
    });
  }
}

@Resolver(() => RetainedLayer)
export class RetainedLayerResolver {
  @FieldResolver(() => Volume, { description: 'The volume that it is a layer of.' })
  volume(@Root() layer: RetainedRecord, @Ctx() context: GraphQLContext) {
    return context.loaders.volume.load(layer.volumeId);
  }
}
