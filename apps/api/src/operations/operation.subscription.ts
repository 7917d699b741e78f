import { Arg, Resolver, Root, Subscription } from 'type-graphql';
import type { GraphQLContext } from '../graphql/context.js';
import { OperationFilter } from './operation.input.js';
import type { OperationRecord } from './operation.reads.store.js';
import { watchOperations } from './operation.stream.js';
import { Operation } from './operation.type.js';

@Resolver()
export class OperationSubscriptions {
  @Subscription(() => Operation, {
    name: 'operationProgress',
    description:
      'Each matching operation as it is now, then at every change. At most four a second per operation, newest only; never behind its ' +
      'transitions (compare revision). Losing access ends the stream with an error.',
    subscribe: ({ args, context }: { args: { filter: OperationFilter }; context: GraphQLContext }) => watchOperations(context, args.filter),
  })
  watchOperationProgress(
    @Root() operation: OperationRecord,
    @Arg('filter', () => OperationFilter, { description: 'Which ones.' }) _filter: OperationFilter,
  ) {
    return operation;
  }
}
