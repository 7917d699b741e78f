import { Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import type { GraphQLContext } from '../graphql/context.js';
import { Host, StoragePool } from '../hosts/host.type.js';
import { type ClusterRecord, listZones, type ZoneRecord } from './zone.reads.store.js';
import { Cluster, Zone } from './zone.type.js';

@Resolver(() => Zone)
export class ZoneResolver {
  @Query(() => [Zone], { description: 'All zones, by name. ADMIN; empty for others.' })
  zones(@Ctx() context: GraphQLContext): Promise<ZoneRecord[]> {
    return listZones(context.app.database, context.scope);
  }

  @FieldResolver(() => [Cluster], { description: 'Its clusters, by name.' })
  clusters(@Root() zone: ZoneRecord, @Ctx() context: GraphQLContext) {
    return context.loaders.clustersOfZone.load(zone.id);
  }
}

@Resolver(() => Cluster)
export class ClusterResolver {
  @FieldResolver(() => Zone, { description: 'The zone it is in.' })
  zone(@Root() cluster: ClusterRecord, @Ctx() context: GraphQLContext) {
    return context.loaders.zone.load(cluster.zoneId);
  }

  @FieldResolver(() => [Host], { description: 'Its hosts, by name.' })
  hosts(@Root() cluster: ClusterRecord, @Ctx() context: GraphQLContext) {
    return context.loaders.hostsOfCluster.load(cluster.id);
  }

  @FieldResolver(() => [StoragePool], { description: 'Its storage pools, by name.' })
  storagePools(@Root() cluster: ClusterRecord, @Ctx() context: GraphQLContext) {
    return context.loaders.poolsOfCluster.load(cluster.id);
  }
}
