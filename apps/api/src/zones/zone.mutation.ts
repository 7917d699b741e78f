import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { GraphQLContext } from '../graphql/context.js';
import { plainId } from '../graphql/global-id.js';
import { toUserErrors } from '../graphql/user-errors.js';
import { CreateClusterInput, CreateZoneInput } from './zone.input.js';
import { ClusterPayload, ZonePayload } from './zone.type.js';

@Resolver()
export class ZoneMutations {
  @Mutation(() => ZonePayload, { description: 'Makes a zone. ADMIN. NAME_TAKEN, INVALID_INPUT.' })
  async createZone(@Arg('input', () => CreateZoneInput) input: CreateZoneInput, @Ctx() context: GraphQLContext) {
    const outcome = await context.app.installation.createZone(context.principal, { name: input.name });
    if (!outcome.ok) return { zone: null, errors: await toUserErrors(context, outcome.refusals) };
    context.renew();
    return { zone: await context.loaders.zone.load(outcome.value.zoneId), errors: [] };
  }

  @Mutation(() => ClusterPayload, { description: 'Makes a cluster in a zone. ADMIN. NAME_TAKEN, INVALID_INPUT.' })
  async createCluster(@Arg('input', () => CreateClusterInput) input: CreateClusterInput, @Ctx() context: GraphQLContext) {
    const wanted = { zoneId: plainId('Zone', input.zoneId), name: input.name };
    const outcome = await context.app.installation.createCluster(context.principal, wanted);
    if (!outcome.ok) return { cluster: null, errors: await toUserErrors(context, outcome.refusals) };
    context.renew();
    return { cluster: await context.loaders.cluster.load(outcome.value.clusterId), errors: [] };
  }
}
