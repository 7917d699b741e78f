import { Field, ObjectType } from 'type-graphql';
import { connectionType } from '../graphql/connection.type.js';
import { defineEnum } from '../graphql/enum.js';
import { NodeInterface } from '../graphql/node.type.js';
import { DateTime, SafeInt } from '../graphql/scalars.js';
import { UserErrorInterface } from '../graphql/user-error.type.js';
import { Operation, OperationError } from '../operations/operation.type.js';
import { Consistency } from '../vm-snapshots/snapshot.type.js';

/** The contract's VolumeSnapshotKind. */
export const VolumeSnapshotKind = defineEnum('VolumeSnapshotKind', 'What a volume snapshot’s file holds.', {
  FULL: 'All of the volume.',
  INCREMENTAL: 'What changed since its parent.',
});

/** The contract's VolumeSnapshotLocation. */
export const VolumeSnapshotLocation = defineEnum('VolumeSnapshotLocation', 'Where a volume snapshot’s file lies.', {
  PRIMARY: 'In the pool of the volume.',
  SECONDARY: 'In a backup store.',
});

/** The contract's VolumeSnapshotState. */
export const VolumeSnapshotState = defineEnum(
  'VolumeSnapshotState',
  'Where a volume snapshot stands. Nothing stays in a transient state without an operation that owns it.',
  {
    ALLOCATED: 'Recorded; no host has begun.',
    CREATING: 'A host works on it.',
    CREATED_ON_PRIMARY: 'Whole, in the pool of its volume, and usable.',
    BACKING_UP: 'On its way to a backup store.',
    BACKED_UP: 'Whole, in a backup store, and usable.',
    COPYING: 'On its way to another zone.',
    REVERTING: 'Its volume is being reverted to it.',
    DESTROYING: 'On its way out.',
    DESTROYED: 'Gone, and its file with it.',
    HIDDEN: 'Deleted by its owner, kept on storage because a later increment still reads it.',
    ERROR: 'Failed; error says why. It can be deleted.',
  },
);

@ObjectType({
  implements: NodeInterface,
  simpleResolvers: true,
  description: 'A restorable copy of one volume at one moment, outside the machine’s chain.',
})
export class VolumeSnapshot extends NodeInterface {
  @Field(() => String, { description: 'A name for people; several may have the same.' })
  declare readonly name: string;
  @Field(() => VolumeSnapshotKind, { description: 'What its file holds.' })
  declare readonly kind: string;
  @Field(() => VolumeSnapshotLocation, { description: 'Where its file lies.' })
  declare readonly location: string;
  @Field(() => VolumeSnapshotState, { description: 'Where it stands.' })
  declare readonly state: string;
  @Field(() => Boolean, { description: 'Policies never remove it, and deleting is refused with SNAPSHOT_LOCKED.' })
  declare readonly locked: boolean;
  @Field(() => Consistency, { description: 'While it is made, what was asked; then what was achieved.' })
  declare readonly consistency: string;
  @Field(() => SafeInt, { description: 'The size that the guest sees, in bytes.' })
  declare readonly virtualBytes: number;
  @Field(() => SafeInt, { description: 'What its file takes on storage, in bytes; 0 until it is there.' })
  declare readonly physicalBytes: number;
  @Field(() => String, {
    nullable: true,
    description: 'SHA-256 of its file as it was written, in hexadecimal digits; null until it is there.',
  })
  declare readonly checksum: string | null;
  @Field(() => DateTime, {
    nullable: true,
    description: 'When its file was last read back and had its checksum; null: never since it was written.',
  })
  declare readonly verifiedAt: Date | null;
  @Field(() => DateTime, { description: 'When it was asked for.' })
  declare readonly createdAt: Date;
  @Field(() => OperationError, { nullable: true, description: 'Why it is in ERROR; null otherwise.' })
  declare readonly error: OperationError | null;
}

export const VolumeSnapshotConnection = connectionType('VolumeSnapshot', () => VolumeSnapshot);

@ObjectType({ simpleResolvers: true, description: 'What a mutation of a volume snapshot answers.' })
export class VolumeSnapshotPayload {
  @Field(() => VolumeSnapshot, { nullable: true, description: 'The snapshot as it is now; null where errors is not empty.' })
  declare readonly snapshot: VolumeSnapshot | null;
  @Field(() => Operation, { nullable: true, description: 'The work that was started; null where it was done at once or refused.' })
  declare readonly operation: object | null;
  @Field(() => [UserErrorInterface], { description: 'Why nothing was changed; empty where it was done or started.' })
  declare readonly errors: readonly UserErrorInterface[];
}
