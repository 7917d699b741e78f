/** Inputs of the mutations that change a machine. */
import { Field, ID, InputType, Int } from 'type-graphql';
import { defineEnum } from '../graphql/enum.js';
import { SafeInt } from '../graphql/scalars.js';
import { IdempotencyKey } from '../graphql/work-fields.js';

/** The contract's ReconcileAction. */
export const ReconcileAction = defineEnum('ReconcileAction', 'How a machine that drifted is brought together with its record.', {
  ADOPT: 'What the host has becomes the record, where nothing is lost by it. OWNER.',
  REPAIR: 'The machine’s definition is put back on what is recorded. ADMIN.',
});

@InputType({ description: 'An action on a machine.' })
export class VirtualMachineActionInput {
  @Field(() => ID, { description: 'The machine.' })
  declare readonly virtualMachineId: string;
  @IdempotencyKey()
  declare readonly idempotencyKey?: string | null;
}

@InputType({ description: 'A machine that shall stop.' })
export class StopVirtualMachineInput {
  @Field(() => ID, { description: 'The machine.' })
  declare readonly virtualMachineId: string;
  @Field(() => Boolean, { nullable: true, defaultValue: false, description: 'At once, without asking the guest.' })
  declare readonly force?: boolean | null;
  @IdempotencyKey()
  declare readonly idempotencyKey?: string | null;
}

@InputType({ description: 'A machine that shall move to another host of its cluster. ADMIN.' })
export class MigrateVirtualMachineInput {
  @Field(() => ID, { description: 'The machine.' })
  declare readonly virtualMachineId: string;
  @Field(() => ID, { description: 'Where to.' })
  declare readonly hostId: string;
  @Field(() => ID, { nullable: true, description: 'Move the volumes to this pool too: not in this version (CAPABILITY_DISABLED).' })
  declare readonly storagePoolId?: string | null;
  @IdempotencyKey()
  declare readonly idempotencyKey?: string | null;
}

@InputType({ description: 'New sizes; a running machine takes them at its next start. Memory images of its snapshots are discarded.' })
export class ResizeVirtualMachineInput {
  @Field(() => ID, { description: 'The machine.' })
  declare readonly virtualMachineId: string;
  @Field(() => Int, { nullable: true, description: 'Virtual processors; null: as they are.' })
  declare readonly vcpus?: number | null;
  @Field(() => SafeInt, { nullable: true, description: 'Memory in bytes, whole MiB; null: as it is.' })
  declare readonly memoryBytes?: number | null;
  @IdempotencyKey()
  declare readonly idempotencyKey?: string | null;
}

@InputType({ description: 'A detached volume that a machine shall have, at the next free target.' })
export class AttachVolumeInput {
  @Field(() => ID, { description: 'The machine.' })
  declare readonly virtualMachineId: string;
  @Field(() => ID, { description: 'The volume; of the same project.' })
  declare readonly volumeId: string;
  @IdempotencyKey()
  declare readonly idempotencyKey?: string | null;
}

@InputType({ description: 'An action on a volume.' })
export class VolumeActionInput {
  @Field(() => ID, { description: 'The volume.' })
  declare readonly volumeId: string;
  @IdempotencyKey()
  declare readonly idempotencyKey?: string | null;
}

@InputType({ description: 'A drifted machine, and whose word counts.' })
export class ReconcileInput {
  @Field(() => ID, { description: 'The machine.' })
  declare readonly virtualMachineId: string;
  @Field(() => ReconcileAction, { description: 'Whose word counts.' })
  declare readonly action: 'ADOPT' | 'REPAIR';
  @IdempotencyKey()
  declare readonly idempotencyKey?: string | null;
}
