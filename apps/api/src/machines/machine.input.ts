import { Field, ID, InputType } from 'type-graphql';
import type { MachineRecord } from './machine.reads.store.js';
import { VirtualMachineState } from './machine.type.js';

@InputType({ description: 'Which machines; everything given must match.' })
export class VirtualMachineFilter {
  @Field(() => ID, { nullable: true, description: 'Of this project.' })
  declare readonly projectId?: string | null;
  @Field(() => ID, { nullable: true, description: 'On this host.' })
  declare readonly hostId?: string | null;
  @Field(() => VirtualMachineState, { nullable: true, description: 'In this state.' })
  declare readonly state?: MachineRecord['state'] | null;
  @Field(() => String, { nullable: true, description: 'The name contains this, whatever its case; at most 128 characters.' })
  declare readonly keyword?: string | null;
  @Field(() => Boolean, { nullable: true, description: 'ADMIN: machines found on hosts and not assigned yet.' })
  declare readonly unassigned?: boolean | null;
}

@InputType({ description: 'A machine found on a host shall belong to a project, with its volumes and snapshots. It must be idle. ADMIN.' })
export class AssignVirtualMachineInput {
  @Field(() => ID, { description: 'The machine.' })
  declare readonly virtualMachineId: string;
  @Field(() => ID, { description: 'The project that has it from now on.' })
  declare readonly projectId: string;
}
