import { Field, Int, ObjectType } from 'type-graphql';
import { DateTime, SafeInt } from '../../graphql/scalars.js';
import { VmSnapshot } from '../snapshot.type.js';

@ObjectType({ simpleResolvers: true, description: 'The present state: “you are here”.' })
export class TreeHead {
  @Field(() => DateTime, {
    nullable: true,
    description: 'Since when the machine writes it: its last snapshot or revert; null before the first.',
  })
  declare readonly since: Date | null;
  @Field(() => SafeInt, {
    description: 'Bytes on storage written since current; before the first snapshot, all that its volumes’ heads hold.',
  })
  declare readonly allocatedBytes: number;
}

@ObjectType({
  description: 'A layer that no snapshot names any more but that several branches still read. It goes with the last but one of them.',
})
export class RetainedLayer {
  @Field(() => SafeInt, { description: 'Bytes on storage.' })
  declare readonly bytes: number;
  @Field(() => [VmSnapshot], { description: 'The snapshots that read it.' })
  declare readonly readBy: readonly VmSnapshot[];
}

@ObjectType({
  simpleResolvers: true,
  description: 'All nodes that are not REMOVED in one flat list, parents first: GraphQL cannot ask for unknown depth.',
})
export class SnapshotTree {
  @Field(() => [VmSnapshot], { description: 'Every snapshot of the machine that is not REMOVED, parents before children.' })
  declare readonly nodes: readonly VmSnapshot[];
  @Field(() => VmSnapshot, {
    nullable: true,
    description:
      'The snapshot that the machine’s present state grew from; null before the first one. Several roots are possible after deletes.',
  })
  declare readonly current: VmSnapshot | null;
  @Field(() => TreeHead, { description: 'The present state.' })
  declare readonly head: TreeHead;
  @Field(() => Int, { description: 'Grows by one with every change of this tree.' })
  declare readonly revision: number;
  @Field(() => Int, { description: 'Snapshots on the longest way from a root to a leaf; 0 for an empty tree.' })
  declare readonly depth: number;
}
