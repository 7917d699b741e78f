import { Field, Int, ObjectType } from 'type-graphql';
import { defineEnum } from '../../graphql/enum.js';

/** The contract's SnapshotTreeChangeKind. */
export const SnapshotTreeChangeKind = defineEnum('SnapshotTreeChangeKind', 'What changed in a snapshot tree.', {
  ADDED: 'A snapshot joined the tree.',
  UPDATED: 'A snapshot changed: its state, name, description, lock or space.',
  REMOVED: 'A snapshot left the tree.',
  REPARENTED: 'A snapshot has another parent.',
  HEAD_MOVED: 'The present state grew from another snapshot.',
});

@ObjectType({
  description: 'One change of one machine’s tree. parentId and currentId are those of this revision; snapshot resolves as it is now.',
})
export class SnapshotTreeChange {
  @Field(() => Int, {
    description: 'The tree’s revision after this change; drop what is not above yours, ask for the tree again on a jump.',
  })
  declare readonly revision: number;
  @Field(() => SnapshotTreeChangeKind, { description: 'What changed.' })
  declare readonly kind: string;
}
