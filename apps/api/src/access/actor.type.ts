import { Field, ObjectType } from 'type-graphql';
import { ActorKind } from './role.type.js';

@ObjectType({ description: 'Who did something, as it was recorded then.' })
export class Actor {
  @Field(() => ActorKind, { description: 'What kind of actor.' })
  declare readonly kind: string;
  @Field(() => String, { description: 'The name it had then: an email, a token’s or a host’s name.' })
  declare readonly name: string;
}
