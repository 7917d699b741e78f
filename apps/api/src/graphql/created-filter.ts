import { Field, ID, InputType } from 'type-graphql';
import { DateTime } from './scalars.js';

/** Filters that lists of what somebody made in a project have alike. */
@InputType()
export abstract class CreatedFilter {
  @Field(() => ID, { nullable: true, description: 'Of this project.' })
  declare readonly projectId?: string | null;
  @Field(() => String, { nullable: true, description: 'The actor’s name: an email, a token’s or a policy’s name.' })
  declare readonly createdBy?: string | null;
  @Field(() => DateTime, { nullable: true, description: 'At this moment or later.' })
  declare readonly createdAfter?: Date | null;
  @Field(() => DateTime, { nullable: true, description: 'Before this moment.' })
  declare readonly createdBefore?: Date | null;
}
