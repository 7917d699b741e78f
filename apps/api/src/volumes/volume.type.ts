import { Field, ObjectType } from 'type-graphql';
import { connectionType } from '../graphql/connection.type.js';
import { NodeInterface } from '../graphql/node.type.js';
import { SafeInt } from '../graphql/scalars.js';
import { UserErrorInterface } from '../graphql/user-error.type.js';
import { Operation } from '../operations/operation.type.js';

@ObjectType({ implements: NodeInterface, simpleResolvers: true, description: 'A disk of a machine.' })
export class Volume extends NodeInterface {
  @Field(() => String, { description: 'A name for people.' })
  declare readonly name: string;
  @Field(() => String, { nullable: true, description: 'vda, vdb, …; null while detached.' })
  declare readonly target: string | null;
  @Field(() => SafeInt, { description: 'The size that the guest sees, in bytes.' })
  declare readonly virtualBytes: number;
}

export const VolumeConnection = connectionType('Volume', () => Volume);

@ObjectType({ simpleResolvers: true, description: 'What a mutation of a volume answers.' })
export class VolumePayload {
  @Field(() => Volume, { nullable: true, description: 'The volume as it is now; null where errors is not empty.' })
  declare readonly volume: Volume | null;
  @Field(() => Operation, { nullable: true, description: 'The work that was started; null where it was refused.' })
  declare readonly operation: object | null;
  @Field(() => [UserErrorInterface], { description: 'Why nothing was changed; empty where it was started.' })
  declare readonly errors: readonly UserErrorInterface[];
}
