import { Field, ID, InputType } from 'type-graphql';
import type { OperationRecord } from './operation.reads.store.js';
import { OperationState } from './operation.type.js';

@InputType({ description: 'Which operation.' })
export class OperationActionInput {
  @Field(() => ID, { description: 'The operation.' })
  declare readonly operationId: string;
}

@InputType({ description: 'Which operations; everything given must match.' })
export class OperationFilter {
  @Field(() => [ID], { nullable: true, description: 'One of these; at most 100.' })
  declare readonly operationIds?: string[] | null;
  @Field(() => ID, { nullable: true, description: 'Of this project.' })
  declare readonly projectId?: string | null;
  @Field(() => ID, { nullable: true, description: 'Of this machine.' })
  declare readonly virtualMachineId?: string | null;
  @Field(() => ID, { nullable: true, description: 'About this, e.g. the VM snapshot that it makes.' })
  declare readonly subjectId?: string | null;
  @Field(() => [OperationState], { nullable: true, description: 'In one of these states.' })
  declare readonly states?: OperationRecord['state'][] | null;
}
