import { Field, Int, ObjectType } from 'type-graphql';
import { connectionType } from '../graphql/connection.type.js';
import { defineEnum } from '../graphql/enum.js';
import { NodeInterface } from '../graphql/node.type.js';
import { DateTime, SafeInt } from '../graphql/scalars.js';
import { UserErrorInterface } from '../graphql/user-error.type.js';
import { Operation, OperationError } from '../operations/operation.type.js';
import { Plan } from './create/plan.type.js';

/** The contract's VmSnapshotKind. */
export const VmSnapshotKind = defineEnum('VmSnapshotKind', 'What a VM snapshot holds.', {
  DISK: 'The content of the chosen volumes, and the machine’s definition.',
  DISK_AND_MEMORY: 'That, and the memory of the running guest.',
});

/** The contract's Consistency. */
export const Consistency = defineEnum('Consistency', 'How much of the guest’s state is in order in the snapshot.', {
  CRASH: 'As after a power cut: file systems replay their journal.',
  FILESYSTEM: 'The guest’s file systems were frozen at that moment.',
  MEMORY: 'The guest goes on where it was.',
  OFFLINE: 'The guest was off.',
});

/** The contract's VmSnapshotState. */
export const VmSnapshotState = defineEnum(
  'VmSnapshotState',
  'Where a VM snapshot stands. Nothing stays in a transient state without an operation that owns it.',
  {
    ALLOCATED: 'Recorded; no host has begun.',
    CREATING: 'A host works on it.',
    READY: 'There, checked on disk, and usable.',
    REVERTING: 'The machine is being reverted to it.',
    EXPUNGING: 'On its way out.',
    REMOVED: 'Gone from the tree.',
    ERROR: 'Failed; error says why. It can be deleted.',
  },
);

@ObjectType({
  simpleResolvers: true,
  description:
    'exclusive: freed if this alone were deleted now; shared: others read it too; retained: kept only because several branches still read it. ' +
    'In bytes on storage. What a merge might find written twice is not counted as freed.',
})
export class SpaceUse {
  @Field(() => SafeInt, { description: 'Read by this alone.' })
  declare readonly exclusiveBytes: number;
  @Field(() => SafeInt, { description: 'Read by others too.' })
  declare readonly sharedBytes: number;
  @Field(() => SafeInt, { description: 'In layers that no snapshot names any more.' })
  declare readonly retainedBytes: number;
}

@ObjectType({ description: 'One volume in a snapshot. layerPath: ADMIN.' })
export class SnapshotDisk {
  @Field(() => String, { description: 'vda, vdb, …, as it was then.' })
  declare readonly target: string;
  @Field(() => SafeInt, { description: 'Bytes on storage of the layer that was frozen for it, without those below.' })
  declare readonly allocatedBytes: number;
}

@ObjectType({ simpleResolvers: true, description: 'The machine as it was.' })
export class MachineDefinition {
  @Field(() => Int, { description: 'Virtual processors.' })
  declare readonly vcpus: number;
  @Field(() => SafeInt, { description: 'Memory in bytes.' })
  declare readonly memoryBytes: number;
  @Field(() => String, { nullable: true, description: 'QEMU’s machine type; null: not known.' })
  declare readonly machineType: string | null;
  @Field(() => String, { nullable: true, description: 'bios or efi; null: not known.' })
  declare readonly firmware: string | null;
  @Field(() => [String], { description: 'The targets of all its disks: vda, vdb, …' })
  declare readonly disks: readonly string[];
}

@ObjectType({
  implements: NodeInterface,
  simpleResolvers: true,
  description: 'A name for one moment of a machine: one frozen layer per volume, and the machine’s definition.',
})
export class VmSnapshot extends NodeInterface {
  @Field(() => String, { description: 'Unique on its machine while it is in the tree.' })
  declare readonly name: string;
  @Field(() => String, { nullable: true, description: 'Free text.' })
  declare readonly description: string | null;
  @Field(() => VmSnapshotKind, { description: 'What it holds.' })
  declare readonly kind: string;
  @Field(() => Consistency, { description: 'While it is made, what was asked; then what was achieved.' })
  declare readonly consistency: string;
  @Field(() => VmSnapshotState, { description: 'Where it stands.' })
  declare readonly state: string;
  @Field(() => Boolean, { description: 'The machine’s present state grew from it (“you are here”).' })
  declare readonly isCurrent: boolean;
  @Field(() => Boolean, { description: 'Policies never remove it, and deleting is refused with SNAPSHOT_LOCKED.' })
  declare readonly locked: boolean;
  @Field(() => DateTime, { description: 'When it was asked for.' })
  declare readonly createdAt: Date;
  @Field(() => SafeInt, { nullable: true, description: 'Size of the memory image in bytes; null where there is none.' })
  declare readonly memoryBytes: number | null;
  @Field(() => MachineDefinition, { nullable: true, description: 'The machine as it was; null until it is known.' })
  declare readonly definition: MachineDefinition | null;
  @Field(() => OperationError, { nullable: true, description: 'Why it is in ERROR; null otherwise.' })
  declare readonly error: OperationError | null;
}

export const VmSnapshotConnection = connectionType('VmSnapshot', () => VmSnapshot);

@ObjectType({ simpleResolvers: true, description: 'What a mutation of a VM snapshot answers.' })
export class VmSnapshotPayload {
  @Field(() => VmSnapshot, { nullable: true, description: 'The snapshot as it is now; null where errors is not empty.' })
  declare readonly snapshot: VmSnapshot | null;
  @Field(() => Operation, { nullable: true, description: 'The work that was started; null where it was done at once or refused.' })
  declare readonly operation: object | null;
  @Field(() => [UserErrorInterface], { description: 'Why nothing was changed; empty where it was done or started.' })
  declare readonly errors: readonly UserErrorInterface[];
}

@ObjectType({ simpleResolvers: true, description: 'What a plan query answers.' })
export class PlanPayload {
  @Field(() => Plan, { nullable: true, description: 'What would be done; null where errors is not empty.' })
  declare readonly plan: Plan | null;
  @Field(() => [UserErrorInterface], { description: 'Why it would be refused; empty where it would be done.' })
  declare readonly errors: readonly UserErrorInterface[];
}
