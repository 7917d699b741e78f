import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { GraphQLContext } from '../../graphql/context.js';
import { Volume } from '../../volumes/volume.type.js';
import { VmSnapshot } from '../snapshot.type.js';
import type { PlanView } from '../plan-view.js';
import { PlanStep } from './plan.type.js';

type StepView = PlanView['steps'][number];

@Resolver(() => PlanStep)
export class PlanStepResolver {
  @FieldResolver(() => Volume, { nullable: true, description: 'The volume that it works on; null where it is about the whole machine.' })
  volume(@Root() step: StepView, @Ctx() context: GraphQLContext) {
    return step.volumeId === null ? null : context.loaders.volume.load(step.volumeId);
  }

  @FieldResolver(() => [VmSnapshot], { description: 'Those whose state moves into another layer, or goes, by this step.' })
  async snapshots(@Root() step: StepView, @Ctx() context: GraphQLContext) {
    const found = await Promise.all(step.snapshotIds.map((id) => context.loaders.snapshot.load(id)));
    return found.filter((snapshot) => snapshot !== null);
  }
}
