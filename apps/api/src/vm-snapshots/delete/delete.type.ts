import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { SafeInt } from '../../graphql/scalars.js';
import { UserErrorInterface } from '../../graphql/user-error.type.js';
import { IdempotencyKey, PlanHash } from '../../graphql/work-fields.js';
import { Operation } from '../../operations/operation.type.js';
import { VmSnapshot } from '../snapshot.type.js';

@InputType({ description: 'Which VM snapshots of a machine shall go: exactly one of snapshotIds and freeBytes. OWNER.' })
export class DeleteVmSnapshotsInput {
  @Field(() => ID, { description: 'The machine.' })
  declare readonly virtualMachineId: string;
  @Field(() => [ID], { nullable: true, description: 'These; any nodes of the tree.' })
  declare readonly snapshotIds?: string[] | null;
  @Field(() => Boolean, { nullable: true, defaultValue: false, description: 'And everything that grew from them.' })
  declare readonly withDescendants?: boolean | null;
  @Field(() => SafeInt, { nullable: true, description: 'Whatever is cheapest that frees so many bytes; never what is locked.' })
  declare readonly freeBytes?: number | null;
  @PlanHash()
  declare readonly planHash?: string | null;
  @IdempotencyKey()
  declare readonly idempotencyKey?: string | null;
}

@ObjectType({ simpleResolvers: true, description: 'What deleteVmSnapshots answers.' })
export class DeleteVmSnapshotsPayload {
  @Field(() => [VmSnapshot], { description: 'The snapshots that go; empty where errors is not empty.' })
  declare readonly snapshots: readonly VmSnapshot[];
  @Field(() => Operation, { nullable: true, description: 'The work that was started; null where it was refused.' })
  declare readonly operation: object | null;
  @Field(() => [UserErrorInterface], { description: 'Why nothing was changed; empty where it was started.' })
  declare readonly errors: readonly UserErrorInterface[];
}
