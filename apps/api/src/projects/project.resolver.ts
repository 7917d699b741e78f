import { Arg, Ctx, FieldResolver, Int, Query, Resolver, Root } from 'type-graphql';
import type { GraphQLContext } from '../graphql/context.js';
import { type Connection, connectionOf, pageRequest } from '../graphql/page.js';
import {
  type MemberRecord,
  pageProjects,
  type ProjectRecord,
  type TokenRecord,
  type UsageRecord,
  usageOfProject,
} from './project.reads.store.js';
import { AccessToken, Member, Project, ProjectConnection, ProjectMembership, Usage, User, Viewer } from './project.type.js';

@Resolver(() => Project)
export class ProjectResolver {
  @Query(() => ProjectConnection, { description: 'The projects that the caller may see, oldest first.' })
  async projects(
    @Ctx() context: GraphQLContext,
    @Arg('first', () => Int, { nullable: true, description: '25 unless told, 100 at most.' }) first?: number | null,
    @Arg('after', () => String, { nullable: true, description: 'A cursor of this list.' }) after?: string | null,
  ): Promise<Connection<ProjectRecord>> {
    const page = pageRequest(first, after);
    return connectionOf(await pageProjects(context.app.database, context.scope, page), page);
  }

  @FieldResolver(() => Usage, { description: 'What it uses of its quota now.' })
  usage(@Root() project: ProjectRecord, @Ctx() context: GraphQLContext): Promise<UsageRecord> {
    return usageOfProject(context.app.database, project.id);
  }

  @FieldResolver(() => [Member], { description: 'The people in it.' })
  members(@Root() project: ProjectRecord, @Ctx() context: GraphQLContext): Promise<MemberRecord[]> {
    return context.loaders.membersOf.load(project.id);
  }

  @FieldResolver(() => [AccessToken], { description: 'Its tokens that are not revoked.' })
  tokens(@Root() project: ProjectRecord, @Ctx() context: GraphQLContext): Promise<TokenRecord[]> {
    return context.loaders.tokensOf.load(project.id);
  }
}

@Resolver(() => Member)
export class MemberResolver {
  @FieldResolver(() => User, { description: 'The person.' })
  user(@Root() member: MemberRecord, @Ctx() context: GraphQLContext) {
    return context.loaders.user.load(member.userId);
  }
}

/** The viewer is the principal; its id is made in build-schema.ts like every other one. */
type ViewerRecord = { __typename: string; id: string; email: string; isAdmin: boolean };

@Resolver(() => Viewer)
export class ViewerResolver {
  @Query(() => Viewer, { description: 'Who asks, and what it may do.' })
  viewer(@Ctx() { principal }: GraphQLContext): ViewerRecord {
    const { userId, tokenId, email, isAdmin } = principal;
    return userId === null
      ? { __typename: 'AccessToken', id: tokenId, email, isAdmin }
      : { __typename: 'User', id: userId, email, isAdmin };
  }

  @FieldResolver(() => [ProjectMembership], {
    description: 'The projects with the caller’s role in each; for an ADMIN the 100 oldest, each with ADMIN: `projects` has them all.',
  })
  async projects(@Ctx() context: GraphQLContext): Promise<{ project: ProjectRecord; role: string }[]> {
    const page = pageRequest(100, null);
    const { rows } = await pageProjects(context.app.database, context.scope, page);
    const roles = context.principal.roles;
    return rows
      .slice(0, page.take)
      .map((project) => ({ project, role: context.principal.isAdmin ? 'ADMIN' : (roles.get(project.id) ?? 'VIEWER') }));
  }
}
