import { Field, ObjectType } from 'type-graphql';
import { uncountedConnectionType } from '../graphql/connection.type.js';
import { defineEnum } from '../graphql/enum.js';
import { Cursor, DateTime } from '../graphql/scalars.js';

/** The contract's SubjectType. */
export const SubjectType = defineEnum('SubjectType', 'What has a state machine.', {
  VIRTUAL_MACHINE: 'A virtual machine.',
  VM_SNAPSHOT: 'A VM snapshot.',
  VOLUME: 'A volume.',
  VOLUME_SNAPSHOT: 'A volume snapshot.',
  TEMPLATE: 'A template.',
  OPERATION: 'An operation.',
  HOST: 'A host; only ADMIN sees these.',
  SNAPSHOT_POLICY: 'A snapshot policy.',
});

@ObjectType({
  description: 'One move of a state machine, recorded for ever. subject resolves as it is now; every other field is as it was then.',
})
export class StateTransition {
  @Field(() => DateTime, { description: 'When it was recorded.' })
  declare readonly at: Date;
  @Field(() => SubjectType, { description: 'What kind of thing moved.' })
  declare readonly subjectType: string;
  @Field(() => String, { nullable: true, description: 'The state before; null where it begins to exist.' })
  declare readonly from: string | null;
  @Field(() => String, { description: 'The state after.' })
  declare readonly to: string;
  @Field(() => String, { description: 'What happened, in a word or a few: create, dispatch, finish, fail, …' })
  declare readonly event: string;
  @Field(() => String, { nullable: true, description: 'Why, in a sentence; null where the event says it all.' })
  declare readonly reason: string | null;
}

@ObjectType({ simpleResolvers: true, description: 'One message of the stream.' })
export class StateTransitionEvent {
  @Field(() => Cursor, { description: 'Keep it: after a lost connection, subscribe `after` the last one that was handled.' })
  declare readonly cursor: string;
  @Field(() => StateTransition, {
    nullable: true,
    description: 'Null: a bookmark, nothing happened that the filter lets through, and the cursor is fresh.',
  })
  declare readonly event: object | null;
}

export const StateTransitionConnection = uncountedConnectionType('StateTransition', () => StateTransition);
