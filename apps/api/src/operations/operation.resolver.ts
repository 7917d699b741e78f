import { Arg, Ctx, FieldResolver, Int, Query, Resolver, Root } from 'type-graphql';
import { Actor } from '../access/actor.type.js';
import type { GraphQLContext } from '../graphql/context.js';
import { filterList } from '../graphql/filter-text.js';
import { filterId, fromGlobalId, NOBODY, plainId } from '../graphql/global-id.js';
import { loadNode } from '../graphql/node.resolver.js';
import { NodeInterface, type NodeRecord } from '../graphql/node.type.js';
import { type Connection, connectionOf, pageRequest } from '../graphql/page.js';
import { VirtualMachine } from '../machines/machine.type.js';
import { Project } from '../projects/project.type.js';
import { Volume } from '../volumes/volume.type.js';
import { nodeTypeOf } from './subject.js';
import { OperationFilter } from './operation.input.js';
import { type OperationFilterRecord, type OperationRecord, pageOperations, type StepRecord } from './operation.reads.store.js';
import { Operation, OperationConnection, OperationStep, Progress } from './operation.type.js';
import { type ProgressView, progressOfOperation, progressOfStep, stepsAsTold } from './progress-view.js';

/** The input of a filter with plain ids; what cannot be anybody's id matches nothing. */
export function operationFilter(filter: OperationFilter | null | undefined): OperationFilterRecord {
  const subject = filter?.subjectId ? (fromGlobalId(filter.subjectId)?.id ?? NOBODY) : null;
  return {
    operationIds: filterList('operationIds', filter?.operationIds)?.map((id) => plainId('Operation', id) ?? NOBODY) ?? null,
    projectId: filterId('Project', filter?.projectId),
    virtualMachineId: filterId('VirtualMachine', filter?.virtualMachineId),
    subjectId: subject,
    states: filterList('states', filter?.states),
  };
}

@Resolver(() => Operation)
export class OperationResolver {
  @Query(() => OperationConnection, { description: 'The operations that the caller may see, newest first.' })
  async operations(
    @Ctx() context: GraphQLContext,
    @Arg('first', () => Int, { nullable: true, description: '25 unless told, 100 at most.' }) first?: number | null,
    @Arg('after', () => String, { nullable: true, description: 'A cursor of this list.' }) after?: string | null,
    @Arg('filter', () => OperationFilter, { nullable: true, description: 'Which ones.' }) filter?: OperationFilter | null,
  ): Promise<Connection<OperationRecord>> {
    const page = pageRequest(first, after);
    const wanted = operationFilter(filter);
    return connectionOf(await pageOperations(context.app.database, { scope: context.scope, filter: wanted, page }), page);
  }

  @FieldResolver(() => Project, { nullable: true, description: 'The project whose work it is; null for the installation’s.' })
  project(@Root() operation: OperationRecord, @Ctx() context: GraphQLContext) {
    return operation.projectId === null ? null : context.loaders.project.load(operation.projectId);
  }

  @FieldResolver(() => VirtualMachine, { nullable: true, description: 'The machine that it works on.' })
  virtualMachine(@Root() operation: OperationRecord, @Ctx() context: GraphQLContext) {
    return operation.virtualMachineId === null ? null : context.loaders.machine.load(operation.virtualMachineId);
  }

  @FieldResolver(() => NodeInterface, {
    nullable: true,
    description: 'What it is about, e.g. the snapshot that it makes; null where that is gone.',
  })
  async subject(@Root() operation: OperationRecord, @Ctx() context: GraphQLContext): Promise<NodeRecord | null> {
    const type = nodeTypeOf(operation.subjectType);
    return type === null || operation.subjectId === null ? null : loadNode(context.loaders, type, operation.subjectId);
  }

  @FieldResolver(() => Progress, { nullable: true, description: 'How far it is; null while QUEUED.' })
  async progress(@Root() operation: OperationRecord, @Ctx() context: GraphQLContext): Promise<ProgressView | null> {
    const steps = await context.loaders.stepsOf.load(operation.id);
    return progressOfOperation(operation, steps, context.app.progress.latest(operation.id));
  }

  @FieldResolver(() => [OperationStep], { description: 'Its steps, in order.' })
  async steps(@Root() operation: OperationRecord, @Ctx() context: GraphQLContext): Promise<StepRecord[]> {
    const steps = await context.loaders.stepsOf.load(operation.id);
    return stepsAsTold(operation, steps, context.app.progress.latest(operation.id));
  }

  @FieldResolver(() => Actor, { description: 'Who asked for it.' })
  startedBy(@Root() operation: OperationRecord) {
    return operation.startedBy;
  }

  @FieldResolver(() => Boolean, { description: 'cancelOperation would be accepted now, from this caller.' })
  async cancelable(@Root() operation: OperationRecord, @Ctx() context: GraphQLContext): Promise<boolean> {
    return operation.state === 'RUNNING' && (await effectOf(operation, context)) !== null;
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'What a cancel would leave, or leaves while it is CANCELLING, in a sentence; null where it cannot be cancelled.',
  })
  cancelEffect(@Root() operation: OperationRecord, @Ctx() context: GraphQLContext): Promise<string | null> {
    return effectOf(operation, context);
  }
}

async function effectOf(operation: OperationRecord, context: GraphQLContext): Promise<string | null> {
  return operation.state === 'RUNNING' || operation.state === 'CANCELLING' ? context.loaders.cancelEffect.load(operation.id) : null;
}

@Resolver(() => OperationStep)
export class OperationStepResolver {
  @FieldResolver(() => Volume, { nullable: true, description: 'The volume that it works on; null where it is about the whole machine.' })
  volume(@Root() step: StepRecord, @Ctx() context: GraphQLContext) {
    return step.volumeId === null ? null : context.loaders.volume.load(step.volumeId);
  }

  @FieldResolver(() => Progress, { nullable: true, description: 'How far it is; null before it begins.' })
  progress(@Root() step: StepRecord): ProgressView | null {
    return progressOfStep(step);
  }
}
