import { Arg, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphQLContext } from '../../graphql/context.js';
import { NOBODY, plainId } from '../../graphql/global-id.js';
import { toUserErrors } from '../../graphql/user-errors.js';
import { PlanPayload } from '../snapshot.type.js';
import { DeleteVmSnapshotsInput, DeleteVmSnapshotsPayload } from './delete.type.js';
import type { DeleteVmSnapshotsRequest } from './delete-vm-snapshots.contract.js';

/** The input with plain ids and defaults; an id that cannot be anybody's becomes one that is nobody's, so it is NOT_FOUND like any other. */
function requestOf(input: DeleteVmSnapshotsInput): DeleteVmSnapshotsRequest {
  return {
    virtualMachineId: plainId('VirtualMachine', input.virtualMachineId) ?? NOBODY,
    snapshotIds: input.snapshotIds?.map((id) => plainId('VmSnapshot', id) ?? NOBODY) ?? null,
    withDescendants: input.withDescendants ?? false,
    freeBytes: input.freeBytes ?? null,
    planHash: input.planHash ?? null,
    idempotencyKey: input.idempotencyKey ?? null,
  };
}

@Resolver()
export class DeleteMutations {
  @Query(() => PlanPayload, {
    description:
      'What deleteVmSnapshots would do with this input, or why it would be refused. Layers are measured for it, so it may take two seconds.',
  })
  async planDeleteVmSnapshots(@Arg('input', () => DeleteVmSnapshotsInput) input: DeleteVmSnapshotsInput, @Ctx() context: GraphQLContext) {
    const outcome = await context.app.deleteVmSnapshots.plan(context.principal, requestOf(input));
    return outcome.ok ? { plan: outcome.value, errors: [] } : { plan: null, errors: await toUserErrors(context, outcome.refusals) };
  }

  @Mutation(() => DeleteVmSnapshotsPayload, {
    description:
      'Deletes VM snapshots, any nodes in any order: one, several, subtrees, or the cheapest that free so many bytes. Answers when it is ' +
      'recorded and owned by an operation. Nothing else changes what it shows. OWNER. MACHINE_BUSY, MACHINE_STATE, MACHINE_DRIFTED, ' +
      'HOST_UNAVAILABLE, SNAPSHOT_LOCKED, SNAPSHOT_STATE, INSUFFICIENT_SPACE, PLAN_CHANGED, …',
  })
  async deleteVmSnapshots(@Arg('input', () => DeleteVmSnapshotsInput) input: DeleteVmSnapshotsInput, @Ctx() context: GraphQLContext) {
    const outcome = await context.app.deleteVmSnapshots.delete(context.principal, requestOf(input));
    context.renew();
    if (!outcome.ok) return { snapshots: [], operation: null, errors: await toUserErrors(context, outcome.refusals) };
    const { snapshotIds, operationId } = outcome.value;
    const snapshots = await Promise.all(snapshotIds.map((id) => context.loaders.snapshot.load(id)));
    const operation = await context.loaders.operation.load(operationId);
    return { snapshots: snapshots.filter((snapshot) => snapshot !== null), operation, errors: [] };
  }
}
