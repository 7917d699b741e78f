import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { Outcome } from '../errors/refusal.js';
import type { GraphQLContext } from '../graphql/context.js';
import { NOBODY, plainId } from '../graphql/global-id.js';
import { toUserErrors } from '../graphql/user-errors.js';
import { OperationActionInput } from './operation.input.js';
import { OperationPayload } from './operation-payload.type.js';

@Resolver()
export class OperationMutations {
  @Mutation(() => OperationPayload, {
    description:
      'Stops an operation where that is possible; cancelEffect says beforehand what it leaves. The role that starting it needs. NOT_CANCELABLE.',
  })
  async cancelOperation(@Arg('input', () => OperationActionInput) input: OperationActionInput, @Ctx() context: GraphQLContext) {
    return payload(context, await context.app.operations.cancel(context.principal, idOf(input)));
  }

  @Mutation(() => OperationPayload, {
    description:
      'Goes on with a failed or stopped operation at the first step that is not done. The role that starting it needs. MACHINE_BUSY, ' +
      'MACHINE_STATE, MACHINE_DRIFTED, HOST_UNAVAILABLE, …',
  })
  async retryOperation(@Arg('input', () => OperationActionInput) input: OperationActionInput, @Ctx() context: GraphQLContext) {
    return payload(context, await context.app.operations.retry(context.principal, idOf(input)));
  }
}

function idOf(input: OperationActionInput): string {
  return plainId('Operation', input.operationId) ?? NOBODY;
}

async function payload(context: GraphQLContext, outcome: Outcome<{ operationId: string }>) {
  context.renew();
  if (!outcome.ok) return { operation: null, errors: await toUserErrors(context, outcome.refusals) };
  return { operation: await context.loaders.operation.load(outcome.value.operationId), errors: [] };
}
