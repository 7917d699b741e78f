import { Arg, Ctx, Field, ID, InputType, Mutation, Resolver } from 'type-graphql';
import type { GraphQLContext } from '../../graphql/context.js';
import { NOBODY, plainId } from '../../graphql/global-id.js';
import { toUserErrors } from '../../graphql/user-errors.js';
import { VirtualMachinePayload } from '../../machines/machine.type.js';

@InputType({ description: 'Which VM snapshot a new machine shall begin with. OPERATOR.' })
export class CloneVmSnapshotInput {
  @Field(() => ID, { description: 'The snapshot; any node of the tree that is READY.' })
  declare readonly snapshotId: string;
  @Field(() => String, { description: 'The new machine’s name, unique in the project.' })
  declare readonly name: string;
  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description: 'Share layers with the snapshot instead of copying them.',
  })
  declare readonly linked?: boolean | null;
  @Field(() => Boolean, { nullable: true, defaultValue: false, description: 'Start the new machine.' })
  declare readonly start?: boolean | null;
  @Field(() => String, {
    nullable: true,
    description:
      'Per project and caller, kept 24 h: the same key and input give the same operation again, another input IDEMPOTENCY_CONFLICT. At most 200 characters.',
  })
  declare readonly idempotencyKey?: string | null;
}

@Resolver()
export class CloneMutations {
  @Mutation(() => VirtualMachinePayload, {
    description:
      'Makes a new machine of what a VM snapshot shows, with new addresses and without its memory: answers when it is recorded and owned by an ' +
      'operation, long before it is done. OPERATOR. NAME_TAKEN, MACHINE_BUSY, MACHINE_DRIFTED, HOST_UNAVAILABLE, SNAPSHOT_STATE, INSUFFICIENT_SPACE, ' +
      'CHAIN_TOO_LONG (linked), …',
  })
  async cloneVmSnapshot(@Arg('input', () => CloneVmSnapshotInput) input: CloneVmSnapshotInput, @Ctx() context: GraphQLContext) {
    const outcome = await context.app.cloneVmSnapshot.clone(context.principal, {
      snapshotId: plainId('VmSnapshot', input.snapshotId) ?? NOBODY,
      name: input.name,
      linked: input.linked ?? false,
      start: input.start ?? false,
      idempotencyKey: input.idempotencyKey ?? null,
    });
    context.renew();
    if (!outcome.ok) return { virtualMachine: null, operation: null, errors: await toUserErrors(context, outcome.refusals) };
    const { machine, operation } = context.loaders;
    return {
      virtualMachine: await machine.load(outcome.value.virtualMachineId),
      operation: await operation.load(outcome.value.operationId),
      errors: [],
    };
  }
}
