import { Field, ObjectType } from 'type-graphql';
import { UserErrorInterface } from '../graphql/user-error.type.js';
import { Operation } from './operation.type.js';

@ObjectType({ simpleResolvers: true, description: 'What a mutation of an operation answers.' })
export class OperationPayload {
  @Field(() => Operation, { nullable: true, description: 'The operation as it is now; null where errors is not empty.' })
  declare readonly operation: object | null;
  @Field(() => [UserErrorInterface], { description: 'Why nothing was changed; empty where it was done.' })
  declare readonly errors: readonly UserErrorInterface[];
}
