import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { UserErrorInterface } from '../../graphql/user-error.type.js';
import { IdempotencyKey, PlanHash } from '../../graphql/work-fields.js';
import { Operation } from '../../operations/operation.type.js';
import { VmSnapshot } from '../snapshot.type.js';

@InputType({ description: 'To which VM snapshot its machine shall go back. OPERATOR.' })
export class RevertToVmSnapshotInput {
  @Field(() => ID, { description: 'The snapshot; any node of the tree.' })
  declare readonly snapshotId: string;
  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description: 'Keep what would be abandoned as a snapshot of its own (safetySnapshot).',
  })
  declare readonly snapshotFirst?: boolean | null;
  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description: 'Start the machine after a DISK revert; a DISK_AND_MEMORY revert always ends running.',
  })
  declare readonly start?: boolean | null;
  @PlanHash()
  declare readonly planHash?: string | null;
  @IdempotencyKey()
  declare readonly idempotencyKey?: string | null;
}

@ObjectType({ simpleResolvers: true, description: 'What revertToVmSnapshot answers.' })
export class RevertToVmSnapshotPayload {
  @Field(() => VmSnapshot, { nullable: true, description: 'The snapshot that the machine goes back to; null where errors is not empty.' })
  declare readonly snapshot: VmSnapshot | null;
  @Field(() => VmSnapshot, { nullable: true, description: 'What keeps the state that is left; null without snapshotFirst.' })
  declare readonly safetySnapshot: VmSnapshot | null;
  @Field(() => Operation, { nullable: true, description: 'The work that was started; null where it was refused.' })
  declare readonly operation: object | null;
  @Field(() => [UserErrorInterface], { description: 'Why nothing was changed; empty where it was started.' })
  declare readonly errors: readonly UserErrorInterface[];
}
