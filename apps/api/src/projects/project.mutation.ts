import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { GraphQLContext } from '../graphql/context.js';
import { plainId } from '../graphql/global-id.js';
import { toUserErrors } from '../graphql/user-errors.js';
import type { Outcome } from '../errors/refusal.js';
import {
  CreateAccessTokenInput,
  CreateProjectInput,
  RevokeAccessTokenInput,
  SetProjectMemberInput,
  SetProjectQuotaInput,
} from './project.input.js';
import { AccessTokenPayload, ProjectPayload } from './project.type.js';

async function projectPayload(context: GraphQLContext, outcome: Outcome<{ projectId: string }>) {
  if (!outcome.ok) return { project: null, errors: await toUserErrors(context, outcome.refusals) };
  context.renew();
  return { project: await context.loaders.project.load(outcome.value.projectId), errors: [] };
}

@Resolver()
export class ProjectMutations {
  @Mutation(() => ProjectPayload, { description: 'Makes a project. ADMIN. NAME_TAKEN, INVALID_INPUT.' })
  async createProject(@Arg('input', () => CreateProjectInput) input: CreateProjectInput, @Ctx() context: GraphQLContext) {
    return projectPayload(context, await context.app.access.createProject(context.principal, { name: input.name }));
  }

  @Mutation(() => ProjectPayload, {
    description: 'Gives a person a role in a project, or takes it away; open streams follow at once. OWNER. INVALID_INPUT.',
  })
  async setProjectMember(@Arg('input', () => SetProjectMemberInput) input: SetProjectMemberInput, @Ctx() context: GraphQLContext) {
    const projectId = plainId('Project', input.projectId);
    const wanted = { projectId, email: input.email, role: input.role ?? null };
    return projectPayload(context, await context.app.access.setProjectMember(context.principal, wanted));
  }

  @Mutation(() => ProjectPayload, { description: 'Sets all three bounds of a project. ADMIN. INVALID_INPUT.' })
  async setProjectQuota(@Arg('input', () => SetProjectQuotaInput) input: SetProjectQuotaInput, @Ctx() context: GraphQLContext) {
    const { vmSnapshots = null, volumeSnapshots = null, snapshotBytes = null } = input;
    const wanted = { projectId: plainId('Project', input.projectId), vmSnapshots, volumeSnapshots, snapshotBytes };
    return projectPayload(context, await context.app.access.setProjectQuota(context.principal, wanted));
  }

  @Mutation(() => AccessTokenPayload, {
    description: 'Makes a bearer token; its text is in this answer and nowhere else. NAME_TAKEN, INVALID_INPUT, FORBIDDEN.',
  })
  async createAccessToken(@Arg('input', () => CreateAccessTokenInput) input: CreateAccessTokenInput, @Ctx() context: GraphQLContext) {
    const { name, role, expiresAt = null, projectId } = input;
    const project = projectId === null || projectId === undefined ? ('personal' as const) : { id: plainId('Project', projectId) };
    const outcome = await context.app.access.createAccessToken(context.principal, { project, name, role, expiresAt });
    if (!outcome.ok) return { accessToken: null, token: null, errors: await toUserErrors(context, outcome.refusals) };
    context.renew();
    return { accessToken: await context.loaders.token.load(outcome.value.tokenId), token: outcome.value.token, errors: [] };
  }

  @Mutation(() => AccessTokenPayload, { description: 'Makes a token stop working at once, open streams included. OWNER, or its person.' })
  async revokeAccessToken(@Arg('input', () => RevokeAccessTokenInput) input: RevokeAccessTokenInput, @Ctx() context: GraphQLContext) {
    const tokenId = plainId('AccessToken', input.tokenId);
    const before = tokenId === null ? null : await context.loaders.token.load(tokenId);
    const outcome = await context.app.access.revokeAccessToken(context.principal, { tokenId });
    if (!outcome.ok) return { accessToken: null, token: null, errors: await toUserErrors(context, outcome.refusals) };
    context.renew();
    return { accessToken: before, token: null, errors: [] };
  }
}
