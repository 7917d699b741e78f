import { Field, ID, InputType } from 'type-graphql';

@InputType({ description: 'A new zone. ADMIN.' })
export class CreateZoneInput {
  @Field(() => String, { description: '1 to 128 characters without control characters; unique in the installation.' })
  declare readonly name: string;
}

@InputType({ description: 'A new cluster. ADMIN.' })
export class CreateClusterInput {
  @Field(() => ID, { description: 'The zone it is in.' })
  declare readonly zoneId: string;
  @Field(() => String, { description: '1 to 128 characters without control characters; unique in its zone.' })
  declare readonly name: string;
}
