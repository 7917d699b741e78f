import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { Outcome } from '../errors/refusal.js';
import type { GraphQLContext } from '../graphql/context.js';
import { NOBODY, plainId } from '../graphql/global-id.js';
import { toUserErrors } from '../graphql/user-errors.js';
import type { StartedVolumeSnapshot } from './volume-snapshots.contract.js';
import { CreateVolumeSnapshotInput, UpdateVolumeSnapshotInput, VolumeSnapshotActionInput } from './volume-snapshot.input.js';
import { VolumeSnapshotPayload } from './volume-snapshot.type.js';

@Resolver()
export class VolumeSnapshotMutations {
  @Mutation(() => VolumeSnapshotPayload, {
    description:
      'Takes a full volume snapshot: answers when it is recorded and owned by an operation, long before it is there. OPERATOR. MACHINE_BUSY, ' +
      'MACHINE_STATE, MACHINE_DRIFTED, HOST_UNAVAILABLE, QUOTA_EXCEEDED, INSUFFICIENT_SPACE, CHAIN_TOO_LONG, SNAPSHOT_STATE, GUEST_AGENT_UNAVAILABLE, ' +
      'CAPABILITY_DISABLED, …',
  })
  async createVolumeSnapshot(
    @Arg('input', () => CreateVolumeSnapshotInput) input: CreateVolumeSnapshotInput,
    @Ctx() context: GraphQLContext,
  ) {
    const { vmSnapshotId, name = null, kind = null, location = null, quiesce, idempotencyKey = null } = input;
    const outcome = await context.app.volumeSnapshots.create(context.principal, {
      volumeId: plainId('Volume', input.volumeId) ?? NOBODY,
      vmSnapshotId: vmSnapshotId === null || vmSnapshotId === undefined ? null : (plainId('VmSnapshot', vmSnapshotId) ?? NOBODY),
      name,
      kind,
      location,
      quiesce: quiesce ?? false,
      idempotencyKey,
    });
    return answer(context, outcome);
  }

  @Mutation(() => VolumeSnapshotPayload, {
    description: 'Removes a volume snapshot and its file. OWNER. SNAPSHOT_LOCKED, SNAPSHOT_STATE, MACHINE_BUSY, HOST_UNAVAILABLE, …',
  })
  async deleteVolumeSnapshot(
    @Arg('input', () => VolumeSnapshotActionInput) input: VolumeSnapshotActionInput,
    @Ctx() context: GraphQLContext,
  ) {
    const { idempotencyKey = null } = input;
    const snapshotId = plainId('VolumeSnapshot', input.snapshotId) ?? NOBODY;
    return answer(context, await context.app.volumeSnapshots.delete(context.principal, { snapshotId, idempotencyKey }));
  }

  @Mutation(() => VolumeSnapshotPayload, { description: 'Names or locks a volume snapshot. OPERATOR. INVALID_INPUT, SNAPSHOT_STATE.' })
  async updateVolumeSnapshot(
    @Arg('input', () => UpdateVolumeSnapshotInput) input: UpdateVolumeSnapshotInput,
    @Ctx() context: GraphQLContext,
  ) {
    const snapshotId = plainId('VolumeSnapshot', input.snapshotId) ?? NOBODY;
    const { name, locked } = input;
    // Null means the same as leaving it out.
    const fields = {
      ...(name === null || name === undefined ? {} : { name }),
      ...(locked === null || locked === undefined ? {} : { locked }),
    };
    return answer(context, await context.app.volumeSnapshots.update(context.principal, { snapshotId, fields }));
  }
}

async function answer(context: GraphQLContext, outcome: Outcome<StartedVolumeSnapshot>) {
  context.renew();
  if (!outcome.ok) return { snapshot: null, operation: null, errors: await toUserErrors(context, outcome.refusals) };
  const { snapshotId, operationId } = outcome.value;
  const operation = operationId === null ? null : await context.loaders.operation.load(operationId);
  return { snapshot: await context.loaders.volumeSnapshot.load(snapshotId), operation, errors: [] };
}
