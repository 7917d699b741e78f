import { Arg, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphQLContext } from '../../graphql/context.js';
import { NOBODY, plainId } from '../../graphql/global-id.js';
import { toUserErrors } from '../../graphql/user-errors.js';
import { PlanPayload } from '../snapshot.type.js';
import type { RevertToVmSnapshotRequest } from './revert-to-vm-snapshot.contract.js';
import { RevertToVmSnapshotInput, RevertToVmSnapshotPayload } from './revert.type.js';

/** The input with a plain id and defaults; an id that cannot be anybody's becomes one that is nobody's, so it is NOT_FOUND like any other. */
function requestOf(input: RevertToVmSnapshotInput): RevertToVmSnapshotRequest {
  return {
    snapshotId: plainId('VmSnapshot', input.snapshotId) ?? NOBODY,
    snapshotFirst: input.snapshotFirst ?? false,
    start: input.start ?? false,
    planHash: input.planHash ?? null,
    idempotencyKey: input.idempotencyKey ?? null,
  };
}

@Resolver()
export class RevertMutations {
  @Query(() => PlanPayload, {
    description:
      'What revertToVmSnapshot would do with this input, or why it would be refused. Layers are measured for it, so it may take two seconds.',
  })
  async planRevertToVmSnapshot(
    @Arg('input', () => RevertToVmSnapshotInput) input: RevertToVmSnapshotInput,
    @Ctx() context: GraphQLContext,
  ) {
    const outcome = await context.app.revertToVmSnapshot.plan(context.principal, requestOf(input));
    return outcome.ok ? { plan: outcome.value, errors: [] } : { plan: null, errors: await toUserErrors(context, outcome.refusals) };
  }

  @Mutation(() => RevertToVmSnapshotPayload, {
    description:
      'Brings a machine back to a VM snapshot: answers when it is recorded and owned by an operation, long before it is done. The machine is ' +
      'stopped by it. OPERATOR. MACHINE_BUSY, MACHINE_STATE, MACHINE_DRIFTED, HOST_UNAVAILABLE, SNAPSHOT_STATE, NOT_REVERTIBLE, ' +
      'INSUFFICIENT_SPACE, CHAIN_TOO_LONG, QUOTA_EXCEEDED (with snapshotFirst), …',
  })
  async revertToVmSnapshot(@Arg('input', () => RevertToVmSnapshotInput) input: RevertToVmSnapshotInput, @Ctx() context: GraphQLContext) {
    const outcome = await context.app.revertToVmSnapshot.revert(context.principal, requestOf(input));
    context.renew();
    if (!outcome.ok) {
      return { snapshot: null, safetySnapshot: null, operation: null, errors: await toUserErrors(context, outcome.refusals) };
    }
    const { snapshotId, safetySnapshotId, operationId } = outcome.value;
    const [snapshot, safetySnapshot, operation] = await Promise.all([
      context.loaders.snapshot.load(snapshotId),
      safetySnapshotId === null ? null : context.loaders.snapshot.load(safetySnapshotId),
      context.loaders.operation.load(operationId),
    ]);
    return { snapshot, safetySnapshot, operation, errors: [] };
  }
}
