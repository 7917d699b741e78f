import { Field, ID, InputType } from 'type-graphql';
import { SubjectType } from './state-transition.type.js';

@InputType({ description: 'Which transitions; everything given must match.' })
export class TransitionFilter {
  @Field(() => ID, { nullable: true, description: 'Of this project, as it was then.' })
  declare readonly projectId?: string | null;
  @Field(() => ID, { nullable: true, description: 'Of this machine and what belongs to it: its snapshots, volumes and operations.' })
  declare readonly virtualMachineId?: string | null;
  @Field(() => ID, { nullable: true, description: 'Of this thing.' })
  declare readonly subjectId?: string | null;
  @Field(() => [SubjectType], { nullable: true, description: 'Of these kinds of things.' })
  declare readonly subjectTypes?: string[] | null;
}
