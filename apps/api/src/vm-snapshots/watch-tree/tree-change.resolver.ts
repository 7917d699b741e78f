import { Arg, Ctx, FieldResolver, ID, Resolver, Root, Subscription } from 'type-graphql';
import { encodeCursor } from '../../events/event-feed.js';
import type { GraphQLContext } from '../../graphql/context.js';
import { toGlobalId } from '../../graphql/global-id.js';
import { Cursor } from '../../graphql/scalars.js';
import { VmSnapshot } from '../snapshot.type.js';
import { SnapshotTreeChange } from './tree-change.type.js';
import { type TreeChangeView, watchTree } from './tree-change.stream.js';

type WatchArgs = { virtualMachineId: string; after?: string | null };

function snapshotIdOf(id: string | null): string | null {
  return id === null ? null : toGlobalId('VmSnapshot', id);
}

@Resolver(() => SnapshotTreeChange)
export class SnapshotTreeChangeResolver {
  @Subscription(() => SnapshotTreeChange, {
    name: 'snapshotTreeChanged',
    description:
      'What changed in one machine’s tree: apply in order of revision; on a jump ask for the tree again. NOT_FOUND where the machine is not ' +
      'there, or another project’s; CURSOR_EXPIRED; losing access ends the stream with an error.',
    subscribe: ({ args, context }: { args: WatchArgs; context: GraphQLContext }) => watchTree(context, args),
  })
  watchSnapshotTree(
    @Root() change: TreeChangeView,
    @Arg('virtualMachineId', () => ID, { description: 'The machine.' }) _machineId: string,
    @Arg('after', () => Cursor, { nullable: true, description: 'Replay everything later than this first.' }) _after?: string | null,
  ) {
    return change;
  }

  @FieldResolver(() => Cursor, { description: 'Keep it: after a lost connection, subscribe `after` the last one that was handled.' })
  cursor(@Root() change: TreeChangeView): string {
    return encodeCursor(change.at);
  }

  @FieldResolver(() => ID, { nullable: true, description: 'The snapshot that changed; null where only the head moved.' })
  snapshotId(@Root() change: TreeChangeView): string | null {
    return snapshotIdOf(change.snapshotId);
  }

  @FieldResolver(() => ID, { nullable: true, description: 'Its parent in this revision; null for a root.' })
  parentId(@Root() change: TreeChangeView): string | null {
    return snapshotIdOf(change.parentId);
  }

  @FieldResolver(() => ID, { nullable: true, description: 'The current snapshot in this revision; null: none.' })
  currentId(@Root() change: TreeChangeView): string | null {
    return snapshotIdOf(change.currentId);
  }

  @FieldResolver(() => VmSnapshot, { nullable: true, description: 'The snapshot as it is now; null where it is gone.' })
  snapshot(@Root() change: TreeChangeView, @Ctx() context: GraphQLContext) {
    return change.snapshotId === null ? null : context.loaders.snapshot.load(change.snapshotId);
  }
}
