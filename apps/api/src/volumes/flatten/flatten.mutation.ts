import { Arg, Ctx, Field, ID, InputType, Mutation, Resolver } from 'type-graphql';
import type { GraphQLContext } from '../../graphql/context.js';
import { NOBODY, plainId } from '../../graphql/global-id.js';
import { toUserErrors } from '../../graphql/user-errors.js';
import { IdempotencyKey } from '../../graphql/work-fields.js';
import { VolumePayload } from '../volume.type.js';

@InputType({ description: 'Which volume shall stand alone. OWNER.' })
export class FlattenVolumeInput {
  @Field(() => ID, { description: 'The volume.' })
  declare readonly volumeId: string;
  @Field(() => Boolean, { nullable: true, defaultValue: true, description: 'Stop above a template that others share.' })
  declare readonly keepTemplate?: boolean | null;
  @IdempotencyKey()
  declare readonly idempotencyKey?: string | null;
}

@Resolver()
export class FlattenMutations {
  @Mutation(() => VolumePayload, {
    description:
      'Copies what the head reads from below into it, down to the template or all the way. Snapshots keep their layers. OWNER. ' +
      'MACHINE_BUSY, MACHINE_STATE, MACHINE_DRIFTED, HOST_UNAVAILABLE, INSUFFICIENT_SPACE, …',
  })
  async flattenVolume(@Arg('input', () => FlattenVolumeInput) input: FlattenVolumeInput, @Ctx() context: GraphQLContext) {
    const request = {
      volumeId: plainId('Volume', input.volumeId) ?? NOBODY,
      keepTemplate: input.keepTemplate ?? true,
      idempotencyKey: input.idempotencyKey ?? null,
    };
    const outcome = await context.app.flattenVolume.flatten(context.principal, request);
    context.renew();
    if (!outcome.ok) return { volume: null, operation: null, errors: await toUserErrors(context, outcome.refusals) };
    const { volume, operation } = context.loaders;
    return { volume: await volume.load(outcome.value.volumeId), operation: await operation.load(outcome.value.operationId), errors: [] };
  }
}
