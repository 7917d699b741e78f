import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { GraphQLContext } from '../graphql/context.js';
import { User } from '../projects/project.type.js';
import { Actor } from './actor.type.js';
import type { ActorRecord } from './principal.js';

@Resolver(() => Actor)
export class ActorResolver {
  @FieldResolver(() => User, { nullable: true, description: 'The person, where it was one whom the caller may know; null otherwise.' })
  user(@Root() actor: ActorRecord, @Ctx() context: GraphQLContext) {
    return actor.userId === null ? null : context.loaders.user.load(actor.userId);
  }
}
