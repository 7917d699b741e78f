import { Field, ObjectType } from 'type-graphql';
import { NodeInterface } from '../graphql/node.type.js';
import { UserErrorInterface } from '../graphql/user-error.type.js';

@ObjectType({ implements: NodeInterface, simpleResolvers: true, description: 'A place with clusters, e.g. a data centre. ADMIN.' })
export class Zone extends NodeInterface {
  @Field(() => String, { description: 'Unique in the installation.' })
  declare readonly name: string;
}

@ObjectType({ implements: NodeInterface, simpleResolvers: true, description: 'Hosts that share storage pools and settings. ADMIN.' })
export class Cluster extends NodeInterface {
  @Field(() => String, { description: 'Unique in its zone.' })
  declare readonly name: string;
}

@ObjectType({ simpleResolvers: true, description: 'What createZone answers.' })
export class ZonePayload {
  @Field(() => Zone, { nullable: true, description: 'The new zone; null where errors is not empty.' })
  declare readonly zone: Zone | null;
  @Field(() => [UserErrorInterface], { description: 'Why nothing was changed; empty where it was done.' })
  declare readonly errors: readonly UserErrorInterface[];
}

@ObjectType({ simpleResolvers: true, description: 'What createCluster answers.' })
export class ClusterPayload {
  @Field(() => Cluster, { nullable: true, description: 'The new cluster; null where errors is not empty.' })
  declare readonly cluster: Cluster | null;
  @Field(() => [UserErrorInterface], { description: 'Why nothing was changed; empty where it was done.' })
  declare readonly errors: readonly UserErrorInterface[];
}
