import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import type { GraphQLContext } from '../graphql/context.js';
import { filterText } from '../graphql/filter-text.js';
import { filterId, plainId } from '../graphql/global-id.js';
import { type Connection, connectionOf, pageRequest } from '../graphql/page.js';
import { Host } from '../hosts/host.type.js';
import { Operation } from '../operations/operation.type.js';
import { Project } from '../projects/project.type.js';
import { SnapshotTree } from '../vm-snapshots/browse-tree/snapshot-tree.type.js';
import { Volume } from '../volumes/volume.type.js';
import { type Availability, actionsOfMachine } from './actions.js';
import { ActionAvailability } from './action.type.js';
import { VirtualMachineFilter } from './machine.input.js';
import { type MachineRecord, pageMachines } from './machine.reads.store.js';
import { Drift, DriftFinding, VirtualMachine, VirtualMachineConnection } from './machine.type.js';

type FindingRecord = NonNullable<MachineRecord['drift']>['findings'][number];

@Resolver(() => VirtualMachine)
export class VirtualMachineResolver {
  @Query(() => VirtualMachine, { nullable: true, description: 'A machine by its id; null where it is not there, or another project’s.' })
  virtualMachine(@Arg('id', () => ID, { description: 'A machine’s id.' }) id: string, @Ctx() context: GraphQLContext) {
    const machineId = plainId('VirtualMachine', id);
    return machineId === null ? null : context.loaders.machine.load(machineId);
  }

  @Query(() => VirtualMachineConnection, { description: 'The machines that the caller may see, oldest first.' })
  async virtualMachines(
    @Ctx() context: GraphQLContext,
    @Arg('first', () => Int, { nullable: true, description: '25 unless told, 100 at most.' }) first?: number | null,
    @Arg('after', () => String, { nullable: true, description: 'A cursor of this list.' }) after?: string | null,
    @Arg('filter', () => VirtualMachineFilter, { nullable: true, description: 'Which ones.' }) filter?: VirtualMachineFilter | null,
  ): Promise<Connection<MachineRecord>> {
    const page = pageRequest(first, after);
    const wanted = {
      projectId: filterId('Project', filter?.projectId),
      hostId: filterId('Host', filter?.hostId),
      state: filter?.state ?? null,
      keyword: filterText('keyword', filter?.keyword),
      unassigned: filter?.unassigned ?? null,
    };
    return connectionOf(await pageMachines(context.app.database, { scope: context.scope, filter: wanted, page }), page);
  }

  @FieldResolver(() => Project, {
    nullable: true,
    description: 'Null until an ADMIN has assigned a machine that was found on a host; only ADMIN sees it until then.',
  })
  project(@Root() machine: MachineRecord, @Ctx() context: GraphQLContext) {
    return machine.projectId === null ? null : context.loaders.project.load(machine.projectId);
  }

  @FieldResolver(() => Host, { nullable: true, description: 'The host that runs it.' })
  host(@Root() machine: MachineRecord, @Ctx() context: GraphQLContext) {
    return context.loaders.host.load(machine.hostId);
  }

  @FieldResolver(() => [Volume], { description: 'Its disks, vda first.' })
  volumes(@Root() machine: MachineRecord, @Ctx() context: GraphQLContext) {
    return context.loaders.volumesOf.load(machine.id);
  }

  @FieldResolver(() => SnapshotTree, { description: 'Its VM snapshots.' })
  snapshotTree(@Root() machine: MachineRecord, @Ctx() context: GraphQLContext) {
    return context.loaders.tree.load(machine.id);
  }

  @FieldResolver(() => Drift, {
    nullable: true,
    description: 'Set when the host does not have what is recorded; operations are refused until it is reconciled.',
  })
  drift(@Root() machine: MachineRecord) {
    return machine.drift;
  }

  @FieldResolver(() => Operation, { nullable: true, description: 'The one that holds the machine now.' })
  async operation(@Root() machine: MachineRecord, @Ctx() { loaders }: GraphQLContext) {
    const [claim] = await loaders.holder.load(`machine:${machine.id}`);
    return claim ? loaders.operation.load(claim.operationId) : null;
  }

  @FieldResolver(() => [ActionAvailability], { description: 'What may be asked for now, by this caller.' })
  actions(@Root() machine: MachineRecord, @Ctx() context: GraphQLContext): Promise<Availability[]> {
    return actionsOfMachine(context, machine);
  }
}

@Resolver(() => DriftFinding)
export class DriftFindingResolver {
  @FieldResolver(() => Volume, { nullable: true, description: 'The volume it is about; null where it is about none.' })
  volume(@Root() finding: FindingRecord, @Ctx() context: GraphQLContext) {
    return finding.volumeId ? context.loaders.volume.load(finding.volumeId) : null;
  }

  @FieldResolver(() => String, { nullable: true, description: 'The file it is about. ADMIN.' })
  path(@Root() finding: FindingRecord, @Ctx() context: GraphQLContext): string | null {
    return context.scope.isAdmin ? (finding.path ?? null) : null;
  }
}
