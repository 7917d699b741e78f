import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import type { GraphQLContext } from './context.js';
import { fromGlobalId, type NodeType } from './global-id.js';
import type { Loaders } from './loaders.js';
import { NodeInterface, type NodeRecord } from './node.type.js';
import { Cursor } from './scalars.js';

/** The one place that knows how each type of node is found. Every loader applies the caller's scope. */
export function loadNode(loaders: Loaders, type: NodeType, id: string): Promise<NodeRecord | null> {
  const find: Record<NodeType, (id: string) => Promise<NodeRecord | null>> = {
    Project: (key) => loaders.project.load(key),
    User: (key) => loaders.user.load(key),
    AccessToken: (key) => loaders.token.load(key),
    Zone: (key) => loaders.zone.load(key),
    Cluster: (key) => loaders.cluster.load(key),
    Host: (key) => loaders.host.load(key),
    StoragePool: (key) => loaders.pool.load(key),
    VirtualMachine: (key) => loaders.machine.load(key),
    Volume: (key) => loaders.volume.load(key),
    VmSnapshot: (key) => loaders.snapshot.load(key),
    VolumeSnapshot: (key) => loaders.volumeSnapshot.load(key),
    Template: (key) => loaders.template.load(key),
    Operation: (key) => loaders.operation.load(key),
  };
  return find[type](id);
}

@Resolver()
export class NodeResolver {
  @Query(() => NodeInterface, { nullable: true, description: 'Anything by its id; null where it is not there, or another project’s.' })
  async node(
    @Arg('id', () => ID, { description: 'An id that this API gave out.' }) id: string,
    @Ctx() context: GraphQLContext,
  ): Promise<NodeRecord | null> {
    const decoded = fromGlobalId(id);
    return decoded === null ? null : loadNode(context.loaders, decoded.type, decoded.id);
  }

  @Query(() => Cursor, { description: 'Read first, then subscribe from it: not later than any data in the same answer.' })
  cursor(@Ctx() context: GraphQLContext): string {
    return context.cursor;
  }
}
