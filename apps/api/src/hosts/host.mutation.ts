import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { Outcome } from '../errors/refusal.js';
import type { GraphQLContext } from '../graphql/context.js';
import { plainId } from '../graphql/global-id.js';
import { toUserErrors } from '../graphql/user-errors.js';
import {
  CreateHostEnrollmentInput,
  HostActionInput,
  RevokeHostInput,
  SetHostCapabilityInput,
  SetHostMaintenanceInput,
} from './host.input.js';
import { HostEnrollmentPayload, HostPayload } from './host.type.js';

async function hostPayload(context: GraphQLContext, outcome: Outcome<{ hostId: string }>) {
  if (!outcome.ok) return { host: null, errors: await toUserErrors(context, outcome.refusals) };
  context.renew();
  return { host: await context.loaders.host.load(outcome.value.hostId), errors: [] };
}

@Resolver()
export class HostMutations {
  @Mutation(() => HostEnrollmentPayload, {
    description:
      'Announces a host and makes the token with which its agent enrols: once, within 24 hours. ADMIN. NAME_TAKEN, INVALID_INPUT.',
  })
  async createHostEnrollment(
    @Arg('input', () => CreateHostEnrollmentInput) input: CreateHostEnrollmentInput,
    @Ctx() context: GraphQLContext,
  ) {
    const wanted = { clusterId: plainId('Cluster', input.clusterId), hostName: input.hostName };
    const outcome = await context.app.installation.createHostEnrollment(context.principal, wanted);
    if (!outcome.ok) return { host: null, token: null, errors: await toUserErrors(context, outcome.refusals) };
    context.renew();
    return { host: await context.loaders.host.load(outcome.value.hostId), token: outcome.value.token, errors: [] };
  }

  @Mutation(() => HostPayload, { description: 'Refuses a host’s agent from now on; its machines stay on record. ADMIN.' })
  async revokeHost(@Arg('input', () => RevokeHostInput) input: RevokeHostInput, @Ctx() context: GraphQLContext) {
    return hostPayload(context, await context.app.installation.revokeHost(context.principal, { hostId: plainId('Host', input.hostId) }));
  }

  @Mutation(() => HostPayload, { description: 'Accept a host that came back with another or an older journal. ADMIN.' })
  async acceptHost(@Arg('input', () => HostActionInput) input: HostActionInput, @Ctx() context: GraphQLContext) {
    return hostPayload(context, await context.app.installation.acceptHost(context.principal, { hostId: plainId('Host', input.hostId) }));
  }

  @Mutation(() => HostPayload, {
    description: 'Switches a capability of a host on or off; work that needs it is refused meanwhile. ADMIN.',
  })
  async setHostCapability(@Arg('input', () => SetHostCapabilityInput) input: SetHostCapabilityInput, @Ctx() context: GraphQLContext) {
    const wanted = { hostId: plainId('Host', input.hostId), name: input.name, enabled: input.enabled };
    return hostPayload(context, await context.app.installation.setHostCapability(context.principal, wanted));
  }

  @Mutation(() => HostPayload, {
    description: 'Gives a host no new work, or gives it work again; machines can be migrated away meanwhile. ADMIN.',
  })
  async setHostMaintenance(@Arg('input', () => SetHostMaintenanceInput) input: SetHostMaintenanceInput, @Ctx() context: GraphQLContext) {
    const wanted = { hostId: plainId('Host', input.hostId), maintenance: input.maintenance };
    return hostPayload(context, await context.app.installation.setHostMaintenance(context.principal, wanted));
  }

  @Mutation(() => HostPayload, {
    description:
      'The host is confirmed off for good: operations that wait for it fail, its machines are drifted, its agent is refused. ADMIN.',
  })
  async abandonHost(@Arg('input', () => HostActionInput) input: HostActionInput, @Ctx() context: GraphQLContext) {
    return hostPayload(context, await context.app.installation.abandonHost(context.principal, { hostId: plainId('Host', input.hostId) }));
  }
}
