import { Field, ID, InputType, Int } from 'type-graphql';
import { Role } from '../access/role.type.js';
import type { Role as RoleName } from '../access/principal.js';
import { DateTime, SafeInt } from '../graphql/scalars.js';

@InputType({ description: 'A new project. ADMIN.' })
export class CreateProjectInput {
  @Field(() => String, { description: '1 to 128 characters without control characters; unique in the installation.' })
  declare readonly name: string;
}

@InputType({ description: 'A person’s role in a project. OWNER.' })
export class SetProjectMemberInput {
  @Field(() => ID, { description: 'The project.' })
  declare readonly projectId: string;
  @Field(() => String, { description: 'The person; made known by this where nobody has this email yet.' })
  declare readonly email: string;
  @Field(() => Role, { nullable: true, description: 'VIEWER, OPERATOR or OWNER; null removes the person from the project.' })
  declare readonly role?: RoleName | null;
}

@InputType({ description: 'The bounds of a project; what is left out or null is unlimited. ADMIN.' })
export class SetProjectQuotaInput {
  @Field(() => ID, { description: 'The project.' })
  declare readonly projectId: string;
  @Field(() => Int, { nullable: true, description: 'Most VM snapshots.' })
  declare readonly vmSnapshots?: number | null;
  @Field(() => Int, { nullable: true, description: 'Most volume snapshots.' })
  declare readonly volumeSnapshots?: number | null;
  @Field(() => SafeInt, { nullable: true, description: 'Most bytes on storage that snapshots may keep.' })
  declare readonly snapshotBytes?: number | null;
}

@InputType({ description: 'A new bearer token. OWNER of the project; anybody for a personal one.' })
export class CreateAccessTokenInput {
  @Field(() => ID, { nullable: true, description: 'Null: a personal token.' })
  declare readonly projectId?: string | null;
  @Field(() => String, { description: '1 to 128 characters; unique among the tokens of the project or person.' })
  declare readonly name: string;
  @Field(() => Role, { description: 'The most that it allows; never more than the caller has. ADMIN only for a personal one of an ADMIN.' })
  declare readonly role: RoleName;
  @Field(() => DateTime, {
    nullable: true,
    description: 'In the future, and not after the caller’s own token expires; null: that of the caller’s own.',
  })
  declare readonly expiresAt?: Date | null;
}

@InputType({ description: 'A token that shall stop working at once, open streams included.' })
export class RevokeAccessTokenInput {
  @Field(() => ID, { description: 'The token.' })
  declare readonly tokenId: string;
}
