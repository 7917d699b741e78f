import { Arg, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphQLContext } from '../graphql/context.js';
import { NOBODY, plainId } from '../graphql/global-id.js';
import { toUserErrors } from '../graphql/user-errors.js';
import type { CreateVmSnapshotRequest } from './create/create-vm-snapshot.contract.js';
import { CreateVmSnapshotInput, UpdateVmSnapshotInput } from './snapshot.input.js';
import { PlanPayload, VmSnapshotPayload } from './snapshot.type.js';
import type { SnapshotUpdate } from './update/update-vm-snapshot.js';

/** The input with plain ids and defaults; an id that cannot be anybody's becomes one that is nobody's, so it is NOT_FOUND like any other. */
function requestOf(input: CreateVmSnapshotInput): CreateVmSnapshotRequest {
  const { name = null, description = null, planHash = null, idempotencyKey = null } = input;
  return {
    name,
    description,
    planHash,
    idempotencyKey,
    virtualMachineId: plainId('VirtualMachine', input.virtualMachineId) ?? NOBODY,
    kind: input.kind ?? 'DISK',
    quiesce: input.quiesce ?? false,
    volumeIds: input.volumeIds?.map((id) => plainId('Volume', id) ?? NOBODY) ?? null,
  };
}

@Resolver()
export class VmSnapshotMutations {
  @Query(() => PlanPayload, { description: 'What createVmSnapshot would do with this input, or why it would be refused. Writes nothing.' })
  async planCreateVmSnapshot(@Arg('input', () => CreateVmSnapshotInput) input: CreateVmSnapshotInput, @Ctx() context: GraphQLContext) {
    const outcome = await context.app.createVmSnapshot.plan(context.principal, requestOf(input));
    return outcome.ok ? { plan: outcome.value, errors: [] } : { plan: null, errors: await toUserErrors(context, outcome.refusals) };
  }

  @Mutation(() => VmSnapshotPayload, {
    description:
      'Takes a VM snapshot: answers when it is recorded and owned by an operation, long before it is READY. OPERATOR. MACHINE_BUSY, ' +
      'MACHINE_STATE, MACHINE_DRIFTED, HOST_UNAVAILABLE, QUOTA_EXCEEDED, INSUFFICIENT_SPACE, CHAIN_TOO_LONG, GUEST_AGENT_UNAVAILABLE, NAME_TAKEN, …',
  })
  async createVmSnapshot(@Arg('input', () => CreateVmSnapshotInput) input: CreateVmSnapshotInput, @Ctx() context: GraphQLContext) {
    const request = requestOf(input);
    const outcome = await context.app.createVmSnapshot.create(context.principal, request);
    context.renew();
    if (outcome.ok) {
      const { snapshotId, operationId } = outcome.value;
      const [snapshot, operation] = await Promise.all([
        context.loaders.snapshot.load(snapshotId),
        context.loaders.operation.load(operationId),
      ]);
      return { snapshot, operation, errors: [] };
    }
    return { snapshot: null, operation: null, errors: await toUserErrors(context, outcome.refusals) };
  }

  @Mutation(() => VmSnapshotPayload, {
    description: 'Names, describes or locks a VM snapshot. OPERATOR. NAME_TAKEN, INVALID_INPUT, SNAPSHOT_STATE.',
  })
  async updateVmSnapshot(@Arg('input', () => UpdateVmSnapshotInput) input: UpdateVmSnapshotInput, @Ctx() context: GraphQLContext) {
    const outcome = await context.app.updateVmSnapshot(context.principal, updateOf(input));
    if (!outcome.ok) return { snapshot: null, operation: null, errors: await toUserErrors(context, outcome.refusals) };
    context.renew();
    return { snapshot: await context.loaders.snapshot.load(outcome.value.snapshotId), operation: null, errors: [] };
  }
}

/** Null for name or lock means the same as leaving it out; null for the description removes it. */
function updateOf(input: UpdateVmSnapshotInput): SnapshotUpdate {
  const update: SnapshotUpdate = { snapshotId: plainId('VmSnapshot', input.snapshotId) };
  if (input.name !== null && input.name !== undefined) update.name = input.name;
  if (input.description !== undefined) update.description = input.description;
  if (input.locked !== null && input.locked !== undefined) update.locked = input.locked;
  return update;
}
