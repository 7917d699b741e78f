import { Arg, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Outcome } from '../errors/refusal.js';
import type { GraphQLContext } from '../graphql/context.js';
import { filterId, NOBODY, type NodeType, plainId } from '../graphql/global-id.js';
import { type Connection, connectionOf, pageRequest } from '../graphql/page.js';
import { toUserErrors } from '../graphql/user-errors.js';
import { Project } from '../projects/project.type.js';
import { pageTemplates, type TemplateRecord } from './template.reads.store.js';
import { CreateTemplateInput, Template, TemplateActionInput, TemplateConnection, TemplatePayload } from './template.type.js';

/** Null where it was not given; one that cannot be anybody's becomes nobody's, so that it is NOT_FOUND like any other. */
function sourceOf(type: NodeType, id: string | null | undefined): string | null {
  return id === null || id === undefined ? null : (plainId(type, id) ?? NOBODY);
}

async function payload(context: GraphQLContext, outcome: Outcome<{ templateId: string; operationId: string }>) {
  context.renew();
  if (!outcome.ok) return { template: null, operation: null, errors: await toUserErrors(context, outcome.refusals) };
  const { template, operation } = context.loaders;
  return {
    template: await template.load(outcome.value.templateId),
    operation: await operation.load(outcome.value.operationId),
    errors: [],
  };
}

@Resolver(() => Template)
export class TemplateResolver {
  @Query(() => TemplateConnection, { description: 'The templates that the caller may see, oldest first.' })
  async templates(
    @Ctx() context: GraphQLContext,
    @Arg('first', () => Int, { nullable: true, description: '25 unless told, 100 at most.' }) first?: number | null,
    @Arg('after', () => String, { nullable: true, description: 'A cursor of this list.' }) after?: string | null,
    @Arg('projectId', () => ID, { nullable: true, description: 'Of this project.' }) projectId?: string | null,
  ): Promise<Connection<TemplateRecord>> {
    const page = pageRequest(first, after);
    const wanted = { scope: context.scope, projectId: filterId('Project', projectId), page };
    return connectionOf(await pageTemplates(context.app.database, wanted), page);
  }

  @Mutation(() => TemplatePayload, {
    description:
      'Copies what a VM snapshot shows into files of their own, which nobody writes: answers when it is recorded and owned by an operation. ' +
      'OPERATOR. NAME_TAKEN, MACHINE_BUSY, MACHINE_DRIFTED, HOST_UNAVAILABLE, SNAPSHOT_STATE, INSUFFICIENT_SPACE, CAPABILITY_DISABLED, …',
  })
  async createTemplate(@Arg('input', () => CreateTemplateInput) input: CreateTemplateInput, @Ctx() context: GraphQLContext) {
    const request = {
      name: input.name,
      vmSnapshotId: sourceOf('VmSnapshot', input.vmSnapshotId),
      volumeSnapshotId: input.volumeSnapshotId ?? null,
      volumeId: sourceOf('Volume', input.volumeId),
      idempotencyKey: input.idempotencyKey ?? null,
    };
    return payload(context, await context.app.templates.create(context.principal, request));
  }

  @Mutation(() => TemplatePayload, {
    description: 'Removes a template with its files. OWNER. HAS_CLONES while something reads it, MACHINE_BUSY, HOST_UNAVAILABLE, …',
  })
  async deleteTemplate(@Arg('input', () => TemplateActionInput) input: TemplateActionInput, @Ctx() context: GraphQLContext) {
    const request = { templateId: plainId('Template', input.templateId) ?? NOBODY, idempotencyKey: input.idempotencyKey ?? null };
    return payload(context, await context.app.templates.delete(context.principal, request));
  }

  @FieldResolver(() => Project, { description: 'The project that has it.' })
  project(@Root() template: TemplateRecord, @Ctx() context: GraphQLContext) {
    return context.loaders.project.load(template.projectId);
  }
}
