import { Arg, Ctx, FieldResolver, Int, Query, Resolver, Root } from 'type-graphql';
import type { GraphQLContext } from '../graphql/context.js';
import { type Connection, connectionOf, pageRequest } from '../graphql/page.js';
import { Cluster } from '../zones/zone.type.js';
import { type HostRecord, pageHosts, pagePools, type PoolRecord } from './host.reads.store.js';
import { Host, HostConnection, StoragePoolConnection } from './host.type.js';

@Resolver(() => Host)
export class HostResolver {
  @Query(() => HostConnection, { description: 'All hosts for an ADMIN; for a tenant those that run its machines, with id and name.' })
  async hosts(
    @Ctx() context: GraphQLContext,
    @Arg('first', () => Int, { nullable: true, description: '25 unless told, 100 at most.' }) first?: number | null,
    @Arg('after', () => String, { nullable: true, description: 'A cursor of this list.' }) after?: string | null,
  ): Promise<Connection<HostRecord>> {
    const page = pageRequest(first, after);
    return connectionOf(await pageHosts(context.app.database, context.scope, page), page);
  }

  @Query(() => StoragePoolConnection, { description: 'All storage pools for an ADMIN; for a tenant those that hold its volumes.' })
  async storagePools(
    @Ctx() context: GraphQLContext,
    @Arg('first', () => Int, { nullable: true, description: '25 unless told, 100 at most.' }) first?: number | null,
    @Arg('after', () => String, { nullable: true, description: 'A cursor of this list.' }) after?: string | null,
  ): Promise<Connection<PoolRecord>> {
    const page = pageRequest(first, after);
    return connectionOf(await pagePools(context.app.database, context.scope, page), page);
  }

  @FieldResolver(() => Cluster, { nullable: true, description: 'The cluster it is in. ADMIN.' })
  cluster(@Root() host: HostRecord, @Ctx() context: GraphQLContext) {
    return host.clusterId === null ? null : context.loaders.cluster.load(host.clusterId);
  }
}
