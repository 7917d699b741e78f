import { Field, Int, ObjectType } from 'type-graphql';
import { connectionType } from '../graphql/connection.type.js';
import { defineEnum } from '../graphql/enum.js';
import { NodeInterface } from '../graphql/node.type.js';
import { DateTime, SafeInt } from '../graphql/scalars.js';
import { UserErrorInterface } from '../graphql/user-error.type.js';
import { Operation } from '../operations/operation.type.js';

/** The contract's VirtualMachineState. */
export const VirtualMachineState = defineEnum(
  'VirtualMachineState',
  'What the machine is doing; powerState says whether the guest is running meanwhile.',
  {
    RUNNING: 'The guest runs.',
    STOPPED: 'The guest is off.',
    PAUSED: 'The guest is suspended.',
    SNAPSHOTTING: 'An operation takes a VM snapshot of it.',
    REVERTING: 'An operation reverts it.',
    MIGRATING: 'An operation moves it.',
    DESTROYED: 'It is gone.',
    UNKNOWN: 'The host has not said yet.',
  },
);

/** The contract's PowerState. */
export const PowerState = defineEnum('PowerState', 'Whether the guest runs, as the host last said.', {
  ON: 'It runs.',
  OFF: 'It is off.',
  PAUSED: 'It is suspended.',
  UNKNOWN: 'The host has not said yet.',
});

/** The contract's GuestAgentState. */
export const GuestAgentState = defineEnum('GuestAgentState', 'Whether the agent inside the guest can be asked, e.g. to quiesce.', {
  CONNECTED: 'It is there.',
  DISCONNECTED: 'The machine has a channel for it, but nobody answers.',
  NOT_CONFIGURED: 'The machine has no channel for it.',
});

@ObjectType({ description: 'One difference between the host and the record. path: ADMIN.' })
export class DriftFinding {
  @Field(() => String, { description: 'What kind of difference, for programs.' })
  declare readonly code: string;
  @Field(() => String, { description: 'The difference in a sentence.' })
  declare readonly message: string;
  @Field(() => Boolean, { description: 'Reconciling can mend it without losing anything.' })
  declare readonly repairable: boolean;
}

@ObjectType({
  simpleResolvers: true,
  description: 'The host does not have what is recorded (someone used virsh or qemu-img by hand, or a crash).',
})
export class Drift {
  @Field(() => DateTime, { description: 'When it was first seen.' })
  declare readonly detectedAt: Date;
  @Field(() => [DriftFinding], { description: 'What differs.' })
  declare readonly findings: readonly object[];
}

@ObjectType({ implements: NodeInterface, simpleResolvers: true, description: 'A libvirt domain on a host.' })
export class VirtualMachine extends NodeInterface {
  @Field(() => String, {
    description: 'Its name: that of the domain on its host, or the one that was asked for where Coppice made the domain.',
  })
  declare readonly name: string;
  @Field(() => VirtualMachineState, { description: 'What it is doing.' })
  declare readonly state: string;
  @Field(() => PowerState, { description: 'Whether the guest runs, whatever the machine is doing.' })
  declare readonly powerState: string;
  @Field(() => GuestAgentState, { description: 'Whether the guest can be quiesced.' })
  declare readonly guestAgent: string;
  @Field(() => Int, { description: 'Virtual processors of its definition.' })
  declare readonly vcpus: number;
  @Field(() => SafeInt, { description: 'Memory of its definition, in bytes.' })
  declare readonly memoryBytes: number;
}

export const VirtualMachineConnection = connectionType('VirtualMachine', () => VirtualMachine);

@ObjectType({ simpleResolvers: true, description: 'What a mutation of a machine answers.' })
export class VirtualMachinePayload {
  @Field(() => VirtualMachine, { nullable: true, description: 'The machine as it is now; null where errors is not empty.' })
  declare readonly virtualMachine: VirtualMachine | null;
  @Field(() => Operation, { nullable: true, description: 'The work that was started; null where it was done at once or refused.' })
  declare readonly operation: object | null;
  @Field(() => [UserErrorInterface], { description: 'Why nothing was changed; empty where it was done or started.' })
  declare readonly errors: readonly UserErrorInterface[];
}
