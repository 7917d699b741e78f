import { Field, ObjectType } from 'type-graphql';
import { connectionType } from '../graphql/connection.type.js';
import { NodeInterface } from '../graphql/node.type.js';
import { SafeInt } from '../graphql/scalars.js';

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
