import { Field, ID, InputType } from 'type-graphql';
import { CreatedFilter } from '../graphql/created-filter.js';
import { IdempotencyKey } from '../graphql/work-fields.js';
import type { VolumeSnapshotRecord } from './volume-snapshot.reads.store.js';
import { VolumeSnapshotKind, VolumeSnapshotLocation, VolumeSnapshotState } from './volume-snapshot.type.js';

@InputType({ description: 'Which volume snapshots; everything given must match.' })
export class VolumeSnapshotFilter extends CreatedFilter {
  @Field(() => ID, { nullable: true, description: 'Of volumes that this machine had when they were taken.' })
  declare readonly virtualMachineId?: string | null;
  @Field(() => ID, { nullable: true, description: 'Of this volume.' })
  declare readonly volumeId?: string | null;
  @Field(() => [VolumeSnapshotState], { nullable: true, description: 'In one of these states; without it, all but DESTROYED.' })
  declare readonly states?: VolumeSnapshotRecord['state'][] | null;
  @Field(() => String, { nullable: true, description: 'The name contains this, whatever its case; at most 128 characters.' })
  declare readonly keyword?: string | null;
}

@InputType({ description: 'A volume snapshot that shall be taken. OPERATOR.' })
export class CreateVolumeSnapshotInput {
  @Field(() => ID, { description: 'The volume.' })
  declare readonly volumeId: string;
  @Field(() => ID, { nullable: true, description: 'Take the content of this VM snapshot instead of the present one.' })
  declare readonly vmSnapshotId?: string | null;
  @Field(() => String, { nullable: true, description: '1 to 255 characters; null: the next of snapshot-1, snapshot-2, … of the volume.' })
  declare readonly name?: string | null;
  @Field(() => VolumeSnapshotKind, {
    nullable: true,
    description: 'FULL unless told; this version refuses INCREMENTAL with CAPABILITY_DISABLED.',
  })
  declare readonly kind?: 'FULL' | 'INCREMENTAL' | null;
  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description: 'Freeze file systems through the guest agent; refused where it does not answer.',
  })
  declare readonly quiesce?: boolean | null;
  @Field(() => VolumeSnapshotLocation, {
    nullable: true,
    description: 'PRIMARY unless told; this version refuses SECONDARY with CAPABILITY_DISABLED.',
  })
  declare readonly location?: 'PRIMARY' | 'SECONDARY' | null;
  @IdempotencyKey()
  declare readonly idempotencyKey?: string | null;
}

@InputType({ description: 'Which volume snapshot something shall be done with.' })
export class VolumeSnapshotActionInput {
  @Field(() => ID, { description: 'The volume snapshot.' })
  declare readonly snapshotId: string;
  @IdempotencyKey()
  declare readonly idempotencyKey?: string | null;
}

@InputType({ description: 'What shall change of a volume snapshot; what is left out stays. OPERATOR.' })
export class UpdateVolumeSnapshotInput {
  @Field(() => ID, { description: 'The volume snapshot.' })
  declare readonly snapshotId: string;
  @Field(() => String, { nullable: true, description: '1 to 255 characters.' })
  declare readonly name?: string | null;
  @Field(() => Boolean, { nullable: true, description: 'Keep it from being removed.' })
  declare readonly locked?: boolean | null;
}
