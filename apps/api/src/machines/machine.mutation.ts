import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { GraphQLContext } from '../graphql/context.js';
import { plainId } from '../graphql/global-id.js';
import { toUserErrors } from '../graphql/user-errors.js';
import { AssignVirtualMachineInput } from './machine.input.js';
import { VirtualMachinePayload } from './machine.type.js';

@Resolver()
export class MachineMutations {
  @Mutation(() => VirtualMachinePayload, {
    description: 'Gives a machine to a project, with its volumes and snapshots; open streams follow at once. ADMIN. MACHINE_BUSY.',
  })
  async assignVirtualMachine(
    @Arg('input', () => AssignVirtualMachineInput) input: AssignVirtualMachineInput,
    @Ctx() context: GraphQLContext,
  ) {
    const wanted = { virtualMachineId: plainId('VirtualMachine', input.virtualMachineId), projectId: plainId('Project', input.projectId) };
    const outcome = await context.app.installation.assignVirtualMachine(context.principal, wanted);
    if (!outcome.ok) return { virtualMachine: null, operation: null, errors: await toUserErrors(context, outcome.refusals) };
    context.renew();
    return { virtualMachine: await context.loaders.machine.load(outcome.value.virtualMachineId), operation: null, errors: [] };
  }
}
