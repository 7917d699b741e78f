import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root, Subscription } from 'type-graphql';
import { Actor } from '../access/actor.type.js';
import type { GraphQLContext } from '../graphql/context.js';
import { toGlobalId } from '../graphql/global-id.js';
import { loadNode } from '../graphql/node.resolver.js';
import { NodeInterface, type NodeRecord } from '../graphql/node.type.js';
import { type Connection, connectionWith, pageSize } from '../graphql/page.js';
import { cursorExpired } from '../graphql/request-errors.js';
import { Cursor } from '../graphql/scalars.js';
import { Operation } from '../operations/operation.type.js';
import { nodeTypeOf } from '../operations/subject.js';
import { decodeCursor, encodeCursor } from './event-feed.js';
import { TransitionFilter } from './state-transition.input.js';
import { type TransitionView, transitionFilter, watchTransitions } from './state-transition.stream.js';
import { StateTransition, StateTransitionConnection, StateTransitionEvent } from './state-transition.type.js';
import { readHistory } from './transition.store.js';

type WatchArgs = { filter?: TransitionFilter | null; after?: string | null };

@Resolver(() => StateTransition)
export class StateTransitionResolver {
  @Query(() => StateTransitionConnection, { description: 'The history, newest first.' })
  async stateTransitions(
    @Ctx() context: GraphQLContext,
    @Arg('first', () => Int, { nullable: true, description: '25 unless told, 100 at most.' }) first?: number | null,
    @Arg('after', () => String, { nullable: true, description: 'A cursor of this list.' }) after?: string | null,
    @Arg('filter', () => TransitionFilter, { nullable: true, description: 'Which ones.' }) filter?: TransitionFilter | null,
  ): Promise<Connection<TransitionView>> {
    const take = pageSize(first);
    const head = decodeCursor(context.cursor);
    const before = after === null || after === undefined ? null : decodeCursor(after);
    const isKnown = after === null || after === undefined || (before !== null && before.incarnation === head?.incarnation);
    if (head === null || !isKnown) throw cursorExpired();
    const wanted = transitionFilter(context.scope, filter);
    const records =
      wanted === null ? [] : await readHistory(context.app.database, { before: before?.position ?? null, filter: wanted, limit: take + 1 });
    const rows = records.map((record) => ({ ...record, incarnation: head.incarnation }));
    const slice = { rows, count: () => Promise.reject(new Error('the history is not counted')) };
    return connectionWith(slice, { take, after: before }, cursorOf);
  }

  @Subscription(() => StateTransitionEvent, {
    description:
      'Every move of a state machine that the caller may see. On a quiet filtered stream a bookmark (event null) arrives now and then, so ' +
      'that the cursor stays fresh. `after` replays everything later than the cursor, then goes on live, in order and without a gap; without ' +
      'it the stream starts now. CURSOR_EXPIRED where the cursor is not known any more; losing access ends the stream with an error.',
    name: 'stateTransitions',
    subscribe: ({ args, context }: { args: WatchArgs; context: GraphQLContext }) => watchTransitions(context, args),
  })
  watchStateTransitions(
    @Root() event: { cursor: string; event: TransitionView | null },
    @Arg('filter', () => TransitionFilter, { nullable: true, description: 'Which ones.' }) _filter?: TransitionFilter | null,
    @Arg('after', () => Cursor, { nullable: true, description: 'Replay everything later than this first.' }) _after?: string | null,
  ) {
    return event;
  }

  @FieldResolver(() => Cursor, { description: 'Its place in the stream: subscribe `after` it for everything later.' })
  cursor(@Root() transition: TransitionView): string {
    return cursorOf(transition);
  }

  @FieldResolver(() => ID, { description: 'What moved.' })
  subjectId(@Root() transition: TransitionView): string {
    return toGlobalId(nodeTypeOf(transition.subjectType) ?? transition.subjectType, transition.subjectId);
  }

  @FieldResolver(() => NodeInterface, {
    nullable: true,
    description: 'What moved, as it is now; null where it is gone or not the caller’s any more.',
  })
  async subject(@Root() transition: TransitionView, @Ctx() context: GraphQLContext): Promise<NodeRecord | null> {
    const type = nodeTypeOf(transition.subjectType);
    return type === null ? null : loadNode(context.loaders, type, transition.subjectId);
  }

  @FieldResolver(() => Actor, { description: 'Who or what moved it.' })
  actor(@Root() transition: TransitionView) {
    return transition.actor;
  }

  @FieldResolver(() => Operation, { nullable: true, description: 'The operation that moved it, as it is now; null where none did.' })
  operation(@Root() transition: TransitionView, @Ctx() context: GraphQLContext) {
    return transition.operationId === null ? null : context.loaders.operation.load(transition.operationId);
  }
}

function cursorOf(transition: TransitionView): string {
  return encodeCursor({ incarnation: transition.incarnation, position: transition.position });
}
