import { Field, ID, InputType } from 'type-graphql';

@InputType({ description: 'A host that may enrol. ADMIN.' })
export class CreateHostEnrollmentInput {
  @Field(() => ID, { description: 'The cluster it is in.' })
  declare readonly clusterId: string;
  @Field(() => String, {
    description:
      '1 to 128 characters; unique. The name of a host that is announced but never connected gets a new token; the old one is void.',
  })
  declare readonly hostName: string;
}

@InputType({ description: 'A host that is refused from now on. ADMIN.' })
export class RevokeHostInput {
  @Field(() => ID, { description: 'The host.' })
  declare readonly hostId: string;
}

@InputType({ description: 'An action on a host. ADMIN.' })
export class HostActionInput {
  @Field(() => ID, { description: 'The host.' })
  declare readonly hostId: string;
}

@InputType({ description: 'A capability of a host that is switched on or off. ADMIN.' })
export class SetHostCapabilityInput {
  @Field(() => ID, { description: 'The host.' })
  declare readonly hostId: string;
  @Field(() => String, { description: 'Its name, as the host’s capabilities have it.' })
  declare readonly name: string;
  @Field(() => Boolean, { description: 'Whether it may be used.' })
  declare readonly enabled: boolean;
}

@InputType({ description: 'A host that gets no new work, or gets it again. ADMIN.' })
export class SetHostMaintenanceInput {
  @Field(() => ID, { description: 'The host.' })
  declare readonly hostId: string;
  @Field(() => Boolean, { description: 'true: no new work from now on; what runs goes on.' })
  declare readonly maintenance: boolean;
}
