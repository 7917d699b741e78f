import { Field, ID, InputType } from 'type-graphql';

@InputType({ description: 'Which volumes; everything given must match.' })
export class VolumeFilter {
  @Field(() => ID, { nullable: true, description: 'Of this project.' })
  declare readonly projectId?: string | null;
  @Field(() => ID, { nullable: true, description: 'Of this machine.' })
  declare readonly virtualMachineId?: string | null;
  @Field(() => Boolean, { nullable: true, description: 'true: attached to a machine; false: detached.' })
  declare readonly attached?: boolean | null;
  @Field(() => String, { nullable: true, description: 'The name contains this, whatever its case; at most 128 characters.' })
  declare readonly keyword?: string | null;
}
