import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { Outcome } from '../errors/refusal.js';
import type { GraphQLContext } from '../graphql/context.js';
import { NOBODY, plainId } from '../graphql/global-id.js';
import { toUserErrors } from '../graphql/user-errors.js';
import { VolumePayload } from '../volumes/volume.type.js';
import type { MachineRequest, StartedOnMachine, StartedOnVolume } from './machine-changes.contract.js';
import {
  AttachVolumeInput,
  MigrateVirtualMachineInput,
  ReconcileInput,
  ResizeVirtualMachineInput,
  StopVirtualMachineInput,
  VirtualMachineActionInput,
  VolumeActionInput,
} from './machine-changes.input.js';
import { VirtualMachinePayload } from './machine.type.js';

/** Plain ids; one that cannot be anybody's becomes nobody's, so that it is NOT_FOUND like any other. */
function requestOf(input: { virtualMachineId: string; idempotencyKey?: string | null }): MachineRequest {
  const virtualMachineId = plainId('VirtualMachine', input.virtualMachineId) ?? NOBODY;
  return { virtualMachineId, planHash: null, idempotencyKey: input.idempotencyKey ?? null };
}

function volumeIdOf(input: { volumeId: string }): string {
  return plainId('Volume', input.volumeId) ?? NOBODY;
}

async function machinePayload(context: GraphQLContext, outcome: Outcome<StartedOnMachine>) {
  context.renew();
  if (!outcome.ok) return { virtualMachine: null, operation: null, errors: await toUserErrors(context, outcome.refusals) };
  const { machine, operation } = context.loaders;
  return {
    virtualMachine: await machine.load(outcome.value.virtualMachineId),
    operation: await operation.load(outcome.value.operationId),
    errors: [],
  };
}

async function volumePayload(context: GraphQLContext, outcome: Outcome<StartedOnVolume>) {
  context.renew();
  if (!outcome.ok) return { volume: null, operation: null, errors: await toUserErrors(context, outcome.refusals) };
  const { volume, operation } = context.loaders;
  return { volume: await volume.load(outcome.value.volumeId), operation: await operation.load(outcome.value.operationId), errors: [] };
}

@Resolver()
export class MachineChangeMutations {
  @Mutation(() => VirtualMachinePayload, {
    description: 'Starts a stopped machine. OPERATOR. MACHINE_STATE, MACHINE_BUSY, MACHINE_DRIFTED, …',
  })
  async startVirtualMachine(
    @Arg('input', () => VirtualMachineActionInput) input: VirtualMachineActionInput,
    @Ctx() context: GraphQLContext,
  ) {
    return machinePayload(context, await context.app.machines.start(context.principal, requestOf(input)));
  }

  @Mutation(() => VirtualMachinePayload, {
    description:
      'Stops a machine by asking its guest, or at once with force; also one that drifted. OPERATOR. MACHINE_STATE, MACHINE_BUSY, …',
  })
  async stopVirtualMachine(@Arg('input', () => StopVirtualMachineInput) input: StopVirtualMachineInput, @Ctx() context: GraphQLContext) {
    const request = { ...requestOf(input), force: input.force ?? false };
    return machinePayload(context, await context.app.machines.stop(context.principal, request));
  }

  @Mutation(() => VirtualMachinePayload, {
    description: 'Moves a machine to another host of its cluster, live where it runs; its tree stays as it is. ADMIN. HOST_UNAVAILABLE, …',
  })
  async migrateVirtualMachine(
    @Arg('input', () => MigrateVirtualMachineInput) input: MigrateVirtualMachineInput,
    @Ctx() context: GraphQLContext,
  ) {
    const { storagePoolId = null } = input;
    const request = {
      ...requestOf(input),
      hostId: plainId('Host', input.hostId) ?? NOBODY,
      storagePoolId: storagePoolId === null ? null : (plainId('StoragePool', storagePoolId) ?? NOBODY),
    };
    return machinePayload(context, await context.app.machines.migrate(context.principal, request));
  }

  @Mutation(() => VirtualMachinePayload, {
    description: 'Changes vCPUs or memory of the definition. Memory images of its snapshots go: those become DISK. OWNER. INVALID_INPUT, …',
  })
  async resizeVirtualMachine(
    @Arg('input', () => ResizeVirtualMachineInput) input: ResizeVirtualMachineInput,
    @Ctx() context: GraphQLContext,
  ) {
    const request = { ...requestOf(input), vcpus: input.vcpus ?? null, memoryBytes: input.memoryBytes ?? null };
    return machinePayload(context, await context.app.machines.resize(context.principal, request));
  }

  @Mutation(() => VirtualMachinePayload, {
    description:
      'Stops a machine at once and removes it with its snapshots and disks; layers that clones read stay, and are theirs. OWNER.',
  })
  async destroyVirtualMachine(
    @Arg('input', () => VirtualMachineActionInput) input: VirtualMachineActionInput,
    @Ctx() context: GraphQLContext,
  ) {
    return machinePayload(context, await context.app.machines.destroy(context.principal, requestOf(input)));
  }

  @Mutation(() => VolumePayload, {
    description: 'Gives a detached volume to a machine, running or not. OWNER. HAS_VM_SNAPSHOTS, MACHINE_STATE, …',
  })
  async attachVolume(@Arg('input', () => AttachVolumeInput) input: AttachVolumeInput, @Ctx() context: GraphQLContext) {
    const request = { ...requestOf(input), volumeId: volumeIdOf(input) };
    return volumePayload(context, await context.app.machines.attachVolume(context.principal, request));
  }

  @Mutation(() => VolumePayload, {
    description: 'Takes a volume from its machine; its files stay. OWNER. HAS_VM_SNAPSHOTS, MACHINE_STATE, …',
  })
  async detachVolume(@Arg('input', () => VolumeActionInput) input: VolumeActionInput, @Ctx() context: GraphQLContext) {
    const request = { volumeId: volumeIdOf(input), idempotencyKey: input.idempotencyKey ?? null };
    return volumePayload(context, await context.app.machines.detachVolume(context.principal, request));
  }

  @Mutation(() => VirtualMachinePayload, {
    description:
      'Brings a drifted machine together with its record: ADOPT what the host has (OWNER), or REPAIR the definition (ADMIN). MACHINE_STATE, MACHINE_DRIFTED, MIXED_SNAPSHOT_KINDS, …',
  })
  async reconcileVirtualMachine(@Arg('input', () => ReconcileInput) input: ReconcileInput, @Ctx() context: GraphQLContext) {
    return machinePayload(context, await context.app.machines.reconcile(context.principal, { ...requestOf(input), action: input.action }));
  }
}
