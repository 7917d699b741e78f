import { Field, InterfaceType, ObjectType } from 'type-graphql';
import { UserErrorCode } from '../errors/user-error-code.type.js';
import { SafeInt } from './scalars.js';
import { Operation } from '../operations/operation.type.js';
import { Plan } from '../vm-snapshots/create/plan.type.js';

@InterfaceType('UserError', {
  description: 'An expected no, as data: nothing was changed. What the sentence says to do next is meant.',
  resolveType: (error: { __typename: string }) => error.__typename,
})
export abstract class UserErrorInterface {
  @Field(() => UserErrorCode, { description: 'The reason, for programs.' })
  declare readonly code: string;
  @Field(() => String, { description: 'What is wrong, what was left, and what to do next; a sentence for people.' })
  declare readonly message: string;
  @Field(() => [String], {
    nullable: true,
    description: 'The input field it is about, from the input object down; null where it is about none.',
  })
  declare readonly path: string[] | null;
}

@ObjectType({
  implements: UserErrorInterface,
  simpleResolvers: true,
  description: 'A value of the input cannot be used (INVALID_INPUT, NAME_TAKEN).',
})
export class InputError extends UserErrorInterface {}

@ObjectType({ implements: UserErrorInterface, simpleResolvers: true, description: 'Refused for the reason in code.' })
export class Refused extends UserErrorInterface {}

@ObjectType({
  implements: UserErrorInterface,
  simpleResolvers: true,
  description: 'A quota of the project would be exceeded (QUOTA_EXCEEDED).',
})
export class QuotaExceeded extends UserErrorInterface {
  @Field(() => SafeInt, { description: 'The quota, in its own unit.' })
  declare readonly limit: number;
  @Field(() => SafeInt, { description: 'What the project uses now.' })
  declare readonly used: number;
}

@ObjectType({
  implements: UserErrorInterface,
  description: 'Another operation works on the machine or on layers that it reads (MACHINE_BUSY).',
})
export class MachineBusy extends UserErrorInterface {
  @Field(() => Operation, { description: 'The operation that holds it; try again when it has ended.' })
  declare readonly operation: object;
}

@ObjectType({
  implements: UserErrorInterface,
  simpleResolvers: true,
  description: 'The storage pool has not enough room (INSUFFICIENT_SPACE).',
})
export class InsufficientSpace extends UserErrorInterface {
  @Field(() => SafeInt, { description: 'Bytes that must be free before it may start.' })
  declare readonly neededBytes: number;
  @Field(() => SafeInt, { description: 'Bytes that are free.' })
  declare readonly availableBytes: number;
}

@ObjectType({ implements: UserErrorInterface, description: 'The given planHash is not that of the present plan (PLAN_CHANGED).' })
export class PlanChanged extends UserErrorInterface {
  @Field(() => Plan, { description: 'What it would do now; ask again with the hash of this one.' })
  declare readonly plan: object;
}
