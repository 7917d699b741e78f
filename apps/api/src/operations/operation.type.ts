import { Field, Float, Int, ObjectType } from 'type-graphql';
import { UserErrorCode } from '../errors/user-error-code.type.js';
import { connectionType } from '../graphql/connection.type.js';
import { defineEnum } from '../graphql/enum.js';
import { NodeInterface } from '../graphql/node.type.js';
import { DateTime, SafeInt } from '../graphql/scalars.js';
import { PlanStepKind } from '../vm-snapshots/create/plan.type.js';

/** The contract's OperationState; steps use it too. */
export const OperationState = defineEnum('OperationState', 'Where an operation, or one step of it, stands.', {
  QUEUED: 'Waits for its turn and holds nothing.',
  RUNNING: 'Works, or waits for its host.',
  CANCELLING: 'Was asked to stop and does so.',
  SUCCEEDED: 'Done.',
  FAILED: 'Ended without its aim; error says why.',
  CANCELLED: 'Stopped because it was asked to.',
});

@ObjectType({ simpleResolvers: true, description: 'How far something is. Newest only, at most four a second, never a record.' })
export class Progress {
  @Field(() => Float, { description: '0 to 100.' })
  declare readonly percent: number;
  @Field(() => SafeInt, { nullable: true, description: 'Bytes moved; null where it moves none or they are not known.' })
  declare readonly bytesDone: number | null;
  @Field(() => SafeInt, { nullable: true, description: 'Bytes to move in all; may grow while a machine writes.' })
  declare readonly bytesTotal: number | null;
  @Field(() => SafeInt, { nullable: true, description: 'The rate now.' })
  declare readonly bytesPerSecond: number | null;
  @Field(() => Int, { nullable: true, description: 'Seconds left at this rate; null where no rate is known.' })
  declare readonly etaSeconds: number | null;
}

@ObjectType({ simpleResolvers: true, description: 'Why something failed.' })
export class OperationError {
  @Field(() => UserErrorCode, { description: 'The reason, for programs.' })
  declare readonly code: string;
  @Field(() => String, { description: 'What went wrong and what was left, in a sentence.' })
  declare readonly message: string;
  @Field(() => Boolean, { description: 'Trying again can help.' })
  declare readonly retryable: boolean;
  @Field(() => String, { nullable: true, description: 'What to do about it; null where there is nothing to say.' })
  declare readonly hint: string | null;
}

@ObjectType({ description: 'One step of an operation.' })
export class OperationStep {
  @Field(() => PlanStepKind, { description: 'What it does.' })
  declare readonly kind: string;
  @Field(() => String, { description: 'The same in a sentence for people.' })
  declare readonly description: string;
  @Field(() => OperationState, { description: 'Where it stands.' })
  declare readonly state: string;
  @Field(() => DateTime, { nullable: true, description: 'When it began; null: not yet.' })
  declare readonly startedAt: Date | null;
  @Field(() => DateTime, { nullable: true, description: 'When it ended; null: not yet.' })
  declare readonly finishedAt: Date | null;
}

@ObjectType({
  implements: NodeInterface,
  description:
    'One durable piece of long work: plan, steps, progress, outcome. One at a time per machine; it survives restarts of everything.',
})
export class Operation extends NodeInterface {
  @Field(() => String, { description: 'The mutation’s name, or a word for the system’s own work.' })
  declare readonly kind: string;
  @Field(() => OperationState, { description: 'Where it stands.' })
  declare readonly state: string;
  @Field(() => Int, { description: 'Grows with every change of state or step; progress of a lower revision is stale.' })
  declare readonly revision: number;
  @Field(() => String, { nullable: true, description: 'What it does now, in a word or a few; null where there is nothing to say.' })
  declare readonly phase: string | null;
  @Field(() => OperationError, { nullable: true, description: 'Why it failed; null otherwise.' })
  declare readonly error: OperationError | null;
  @Field(() => DateTime, { description: 'When it was asked for.' })
  declare readonly createdAt: Date;
  @Field(() => DateTime, { nullable: true, description: 'When it began to work; null: not yet.' })
  declare readonly startedAt: Date | null;
  @Field(() => DateTime, { nullable: true, description: 'When it ended; null: not yet.' })
  declare readonly finishedAt: Date | null;
}

export const OperationConnection = connectionType('Operation', () => Operation);
