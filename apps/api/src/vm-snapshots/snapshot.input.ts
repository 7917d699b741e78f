import { Field, ID, InputType } from 'type-graphql';
import { CreatedFilter } from '../graphql/created-filter.js';
import { IdempotencyKey, PlanHash } from '../graphql/work-fields.js';
import type { SnapshotRecord } from './snapshot.reads.store.js';
import { VmSnapshotKind, VmSnapshotState } from './snapshot.type.js';

@InputType({ description: 'The list filters of CloudStack’s listVMSnapshot, its unimplemented keyword search included.' })
export class VmSnapshotFilter extends CreatedFilter {
  @Field(() => ID, { nullable: true, description: 'Of this machine.' })
  declare readonly virtualMachineId?: string | null;
  @Field(() => [VmSnapshotState], { nullable: true, description: 'In one of these states; without it, all but REMOVED.' })
  declare readonly states?: SnapshotRecord['state'][] | null;
  @Field(() => String, { nullable: true, description: 'Name or description contains this, whatever its case; at most 128 characters.' })
  declare readonly keyword?: string | null;
}

@InputType({ description: 'A VM snapshot that shall be taken. OPERATOR.' })
export class CreateVmSnapshotInput {
  @Field(() => ID, { description: 'The machine.' })
  declare readonly virtualMachineId: string;
  @Field(() => String, {
    nullable: true,
    description: '1 to 255 characters, unique on the machine; null: the next free of snapshot-1, snapshot-2, …',
  })
  declare readonly name?: string | null;
  @Field(() => String, { nullable: true, description: 'Free text of at most 4000 characters.' })
  declare readonly description?: string | null;
  @Field(() => VmSnapshotKind, { nullable: true, defaultValue: 'DISK', description: 'What it shall hold.' })
  declare readonly kind?: 'DISK' | 'DISK_AND_MEMORY' | null;
  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description: 'Freeze file systems through the guest agent; refused where it does not answer.',
  })
  declare readonly quiesce?: boolean | null;
  @Field(() => [ID], { nullable: true, description: 'Default: all volumes.' })
  declare readonly volumeIds?: string[] | null;
  @PlanHash()
  declare readonly planHash?: string | null;
  @IdempotencyKey()
  declare readonly idempotencyKey?: string | null;
}

@InputType({ description: 'What shall change of a VM snapshot; what is left out stays. OPERATOR.' })
export class UpdateVmSnapshotInput {
  @Field(() => ID, { description: 'The snapshot.' })
  declare readonly snapshotId: string;
  @Field(() => String, { nullable: true, description: 'Unique on the machine.' })
  declare readonly name?: string | null;
  @Field(() => String, { nullable: true, description: 'Free text of at most 4000 characters; null removes it.' })
  declare readonly description?: string | null;
  @Field(() => Boolean, { nullable: true, description: 'Keep it from being removed.' })
  declare readonly locked?: boolean | null;
}
