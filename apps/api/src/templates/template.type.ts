import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { connectionType } from '../graphql/connection.type.js';
import { defineEnum } from '../graphql/enum.js';
import { NodeInterface } from '../graphql/node.type.js';
import { DateTime, SafeInt } from '../graphql/scalars.js';
import { UserErrorInterface } from '../graphql/user-error.type.js';
import { Operation, OperationError } from '../operations/operation.type.js';

/** The contract's TemplateState. */
export const TemplateState = defineEnum('TemplateState', 'Where a template stands.', {
  CREATING: 'An operation copies its disks.',
  READY: 'Whole, and usable.',
  DELETING: 'An operation removes its files.',
  ERROR: 'Failed; error says why. It can be deleted.',
});

@ObjectType({ implements: NodeInterface, simpleResolvers: true, description: 'Disks that nobody writes any more, to begin with.' })
export class Template extends NodeInterface {
  @Field(() => String, { description: 'Unique in the project.' })
  declare readonly name: string;
  @Field(() => SafeInt, { description: 'Sizes of its disks, as a guest sees them.' })
  declare readonly virtualBytes: number;
  @Field(() => SafeInt, { description: 'What they take on storage.' })
  declare readonly physicalBytes: number;
  @Field(() => TemplateState, { description: 'Where it stands.' })
  declare readonly state: string;
  @Field(() => DateTime, { description: 'When it was asked for.' })
  declare readonly createdAt: Date;
  @Field(() => OperationError, { nullable: true, description: 'Why it is in ERROR; null otherwise.' })
  declare readonly error: OperationError | null;
}

export const TemplateConnection = connectionType('Template', () => Template);

@ObjectType({ simpleResolvers: true, description: 'What a mutation of a template answers.' })
export class TemplatePayload {
  @Field(() => Template, { nullable: true, description: 'The template as it is now; null where errors is not empty.' })
  declare readonly template: Template | null;
  @Field(() => Operation, { nullable: true, description: 'The work that was started; null where it was refused.' })
  declare readonly operation: object | null;
  @Field(() => [UserErrorInterface], { description: 'Why nothing was changed; empty where it was started.' })
  declare readonly errors: readonly UserErrorInterface[];
}

const KEY =
  'Per project and caller, kept 24 h: the same key and input give the same operation again, another input IDEMPOTENCY_CONFLICT. At most 200 characters.';

@InputType({ description: 'What a template shall be made of. Exactly one source. OPERATOR.' })
export class CreateTemplateInput {
  @Field(() => String, { description: 'Unique in the project.' })
  declare readonly name: string;
  @Field(() => ID, { nullable: true, description: 'A volume snapshot: not in this version (CAPABILITY_DISABLED).' })
  declare readonly volumeSnapshotId?: string | null;
  @Field(() => ID, { nullable: true, description: 'A VM snapshot: all its disks.' })
  declare readonly vmSnapshotId?: string | null;
  @Field(() => ID, { nullable: true, description: 'A volume: not in this version (CAPABILITY_DISABLED).' })
  declare readonly volumeId?: string | null;
  @Field(() => String, { nullable: true, description: KEY })
  declare readonly idempotencyKey?: string | null;
}

@InputType({ description: 'An action on a template.' })
export class TemplateActionInput {
  @Field(() => ID, { description: 'The template.' })
  declare readonly templateId: string;
  @Field(() => String, { nullable: true, description: KEY })
  declare readonly idempotencyKey?: string | null;
}
