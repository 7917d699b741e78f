import { Arg, Ctx, FieldResolver, Int, Query, Resolver, Root } from 'type-graphql';
import type { GraphQLContext } from '../graphql/context.js';
import { filterText } from '../graphql/filter-text.js';
import { filterId } from '../graphql/global-id.js';
import { type Connection, connectionOf, pageRequest } from '../graphql/page.js';
import { SafeInt } from '../graphql/scalars.js';
import { StoragePool } from '../hosts/host.type.js';
import { ActionAvailability } from '../machines/action.type.js';
import { actionsOfVolume } from '../machines/actions.js';
import { VirtualMachine } from '../machines/machine.type.js';
import { Operation } from '../operations/operation.type.js';
import { Project } from '../projects/project.type.js';
import { VolumeFilter } from './volume.input.js';
import { pageVolumes, type VolumeRecord } from './volume.reads.store.js';
import { Volume, VolumeConnection } from './volume.type.js';

@Resolver(() => Volume)
export class VolumeResolver {
  @Query(() => VolumeConnection, { description: 'The volumes that the caller may see, oldest first.' })
  async volumes(
    @Ctx() context: GraphQLContext,
    @Arg('first', () => Int, { nullable: true, description: '25 unless told, 100 at most.' }) first?: number | null,
    @Arg('after', () => String, { nullable: true, description: 'A cursor of this list.' }) after?: string | null,
    @Arg('filter', () => VolumeFilter, { nullable: true, description: 'Which ones.' }) filter?: VolumeFilter | null,
  ): Promise<Connection<VolumeRecord>> {
    const page = pageRequest(first, after);
    const wanted = {
      projectId: filterId('Project', filter?.projectId),
      virtualMachineId: filterId('VirtualMachine', filter?.virtualMachineId),
      attached: filter?.attached ?? null,
      keyword: filterText('keyword', filter?.keyword),
    };
    return connectionOf(await pageVolumes(context.app.database, { scope: context.scope, filter: wanted, page }), page);
  }

  @FieldResolver(() => Project, { nullable: true, description: 'Null while its machine is not assigned.' })
  project(@Root() volume: VolumeRecord, @Ctx() context: GraphQLContext) {
    return volume.projectId === null ? null : context.loaders.project.load(volume.projectId);
  }

  @FieldResolver(() => VirtualMachine, { nullable: true, description: 'The machine it is attached to; null while detached.' })
  virtualMachine(@Root() volume: VolumeRecord, @Ctx() context: GraphQLContext) {
    return volume.virtualMachineId === null ? null : context.loaders.machine.load(volume.virtualMachineId);
  }

  @FieldResolver(() => StoragePool, { description: 'Where its files lie.' })
  pool(@Root() volume: VolumeRecord, @Ctx() context: GraphQLContext) {
    return context.loaders.pool.load(volume.poolId);
  }

  @FieldResolver(() => SafeInt, { description: 'Bytes on storage of all its layers, those of snapshots included, as last reported.' })
  async allocatedBytes(@Root() volume: VolumeRecord, @Ctx() context: GraphQLContext): Promise<number> {
    return (await context.loaders.storage.load(volume.id))?.allocatedBytes ?? 0;
  }

  @FieldResolver(() => Int, { description: 'Layers that a read may go through, head and base included.' })
  async chainLength(@Root() volume: VolumeRecord, @Ctx() context: GraphQLContext): Promise<number> {
    return (await context.loaders.storage.load(volume.id))?.chainLength ?? 0;
  }

  @FieldResolver(() => Operation, { nullable: true, description: 'The one that holds the volume, or its machine, now.' })
  async operation(@Root() volume: VolumeRecord, @Ctx() { loaders }: GraphQLContext) {
    const machine = volume.virtualMachineId === null ? [] : [loaders.holder.load(`machine:${volume.virtualMachineId}`)];
    const [claim] = (await Promise.all([loaders.holder.load(`volume:${volume.id}`), ...machine])).flat();
    return claim ? loaders.operation.load(claim.operationId) : null;
  }

  @FieldResolver(() => [ActionAvailability], { description: 'What may be asked for now, by this caller.' })
  actions(@Root() volume: VolumeRecord, @Ctx() context: GraphQLContext) {
    return actionsOfVolume(context, volume);
  }
}
