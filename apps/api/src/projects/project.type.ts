import { Field, ID, Int, ObjectType } from 'type-graphql';
import { Role } from '../access/role.type.js';
import { connectionType } from '../graphql/connection.type.js';
import { NodeInterface } from '../graphql/node.type.js';
import { DateTime, SafeInt } from '../graphql/scalars.js';
import { UserErrorInterface } from '../graphql/user-error.type.js';

@ObjectType({ simpleResolvers: true, description: 'Bounds of a project; null is unlimited. Tombstones count.' })
export class Quota {
  @Field(() => Int, { nullable: true, description: 'VM snapshots that are not REMOVED.' })
  declare readonly vmSnapshots: number | null;
  @Field(() => Int, { nullable: true, description: 'Volume snapshots that are not DESTROYED, HIDDEN ones too.' })
  declare readonly volumeSnapshots: number | null;
  @Field(() => SafeInt, { nullable: true, description: 'Bytes on storage that snapshots keep.' })
  declare readonly snapshotBytes: number | null;
}

@ObjectType({ simpleResolvers: true, description: 'What a project uses of its quota now.' })
export class Usage {
  @Field(() => Int, { description: 'VM snapshots that are not REMOVED.' })
  declare readonly vmSnapshots: number;
  @Field(() => Int, { description: 'Volume snapshots that are not DESTROYED, HIDDEN ones too.' })
  declare readonly volumeSnapshots: number;
  @Field(() => SafeInt, {
    description: 'Bytes of frozen layers (templates that others share left out) and memory images; each is charged once, to its owner.',
  })
  declare readonly snapshotBytes: number;
}

@ObjectType({ implements: NodeInterface, simpleResolvers: true, description: 'A person who signs in.' })
export class User extends NodeInterface {
  @Field(() => String, { description: 'Unique; how members are named.' })
  declare readonly email: string;
}

@ObjectType({ description: 'A person in a project.' })
export class Member {
  @Field(() => Role, { description: 'VIEWER, OPERATOR or OWNER.' })
  declare readonly role: string;
}

@ObjectType({
  implements: NodeInterface,
  simpleResolvers: true,
  description: 'A bearer token of a project or of a person. Its text is never kept, only its SHA-256.',
})
export class AccessToken extends NodeInterface {
  @Field(() => String, { description: 'What it is for; unique among the tokens of its project or person that are not revoked.' })
  declare readonly name: string;
  @Field(() => Role, { description: 'The most that it allows; a personal token never allows more than its person has.' })
  declare readonly role: string;
  @Field(() => DateTime, { description: 'When it was made.' })
  declare readonly createdAt: Date;
  @Field(() => DateTime, { nullable: true, description: 'When it was last used, within a minute; null: never.' })
  declare readonly lastUsedAt: Date | null;
  @Field(() => DateTime, { nullable: true, description: 'When it stops working, open streams included; null: never.' })
  declare readonly expiresAt: Date | null;
}

@ObjectType({
  implements: NodeInterface,
  simpleResolvers: true,
  description: 'A tenant. Everything that a tenant sees belongs to exactly one project.',
})
export class Project extends NodeInterface {
  @Field(() => String, { description: 'Unique in the installation.' })
  declare readonly name: string;
  @Field(() => DateTime, { description: 'When it was made.' })
  declare readonly createdAt: Date;
  @Field(() => Quota, { description: 'Its bounds.' })
  declare readonly quota: Quota;
}

@ObjectType({ simpleResolvers: true, description: 'A project with what the caller may do in it.' })
export class ProjectMembership {
  @Field(() => Project, { description: 'The project.' })
  declare readonly project: Project;
  @Field(() => Role, { description: 'The caller’s role in it; ADMIN in every project for an ADMIN.' })
  declare readonly role: string;
}

@ObjectType({ description: 'Who asks.' })
export class Viewer {
  @Field(() => ID, { description: 'The id of the person, or of the token where it is a project’s.' })
  declare readonly id: string;
  @Field(() => String, { description: 'The person’s email; `token:<name>` where the token is a project’s or the installation’s.' })
  declare readonly email: string;
  @Field(() => Boolean, { description: 'Runs the installation: sees every project and the hosts.' })
  declare readonly isAdmin: boolean;
}

export const ProjectConnection = connectionType('Project', () => Project);

@ObjectType({ simpleResolvers: true, description: 'What a mutation of a project answers.' })
export class ProjectPayload {
  @Field(() => Project, { nullable: true, description: 'The project as it is now; null where errors is not empty.' })
  declare readonly project: Project | null;
  @Field(() => [UserErrorInterface], { description: 'Why nothing was changed; empty where it was done.' })
  declare readonly errors: readonly UserErrorInterface[];
}

@ObjectType({ simpleResolvers: true, description: 'What a mutation of an access token answers.' })
export class AccessTokenPayload {
  @Field(() => AccessToken, { nullable: true, description: 'The token’s record; null where errors is not empty.' })
  declare readonly accessToken: AccessToken | null;
  @Field(() => String, { nullable: true, description: 'The token itself, to send as `Authorization: Bearer …`. Shown once.' })
  declare readonly token: string | null;
  @Field(() => [UserErrorInterface], { description: 'Why nothing was changed; empty where it was done.' })
  declare readonly errors: readonly UserErrorInterface[];
}
