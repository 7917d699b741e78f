import { Arg, Ctx, FieldResolver, Int, Query, Resolver, Root } from 'type-graphql';
import { Actor } from '../access/actor.type.js';
import type { GraphQLContext } from '../graphql/context.js';
import { filterList, filterText } from '../graphql/filter-text.js';
import { filterId } from '../graphql/global-id.js';
import { type Connection, connectionOf, pageRequest } from '../graphql/page.js';
import { ActionAvailability } from '../machines/action.type.js';
import { Operation } from '../operations/operation.type.js';
import { Project } from '../projects/project.type.js';
import type { VolumeRecord } from '../volumes/volume.reads.store.js';
import { Volume } from '../volumes/volume.type.js';
import { VolumeSnapshotFilter } from './volume-snapshot.input.js';
import { actionsOfVolumeSnapshot } from './volume-snapshot-actions.js';
import { ANY_VOLUME_SNAPSHOT, pageVolumeSnapshots, type VolumeSnapshotRecord } from './volume-snapshot.reads.store.js';
import { VolumeSnapshot, VolumeSnapshotConnection } from './volume-snapshot.type.js';

@Resolver(() => VolumeSnapshot)
export class VolumeSnapshotResolver {
  @Query(() => VolumeSnapshotConnection, { description: 'The volume snapshots that the caller may see, newest first.' })
  async volumeSnapshots(
    @Ctx() context: GraphQLContext,
    @Arg('first', () => Int, { nullable: true, description: '25 unless told, 100 at most.' }) first?: number | null,
    @Arg('after', () => String, { nullable: true, description: 'A cursor of this list.' }) after?: string | null,
    @Arg('filter', () => VolumeSnapshotFilter, { nullable: true, description: 'Which ones.' }) filter?: VolumeSnapshotFilter | null,
  ): Promise<Connection<VolumeSnapshotRecord>> {
    const page = pageRequest(first, after);
    const wanted = {
      projectId: filterId('Project', filter?.projectId),
      virtualMachineId: filterId('VirtualMachine', filter?.virtualMachineId),
      volumeId: filterId('Volume', filter?.volumeId),
      states: filterList('states', filter?.states),
      keyword: filterText('keyword', filter?.keyword),
      createdBy: filterText('createdBy', filter?.createdBy),
      createdAfter: filter?.createdAfter ?? null,
      createdBefore: filter?.createdBefore ?? null,
    };
    return connectionOf(await pageVolumeSnapshots(context.app.database, { scope: context.scope, filter: wanted, page }), page);
  }

  @FieldResolver(() => Project, { description: 'The project that it belongs to.' })
  project(@Root() snapshot: VolumeSnapshotRecord, @Ctx() context: GraphQLContext) {
    return context.loaders.project.load(snapshot.projectId);
  }

  @FieldResolver(() => Volume, { nullable: true, description: 'Null when the volume is gone; its snapshots may outlive it.' })
  volume(@Root() snapshot: VolumeSnapshotRecord, @Ctx() context: GraphQLContext) {
    return context.loaders.volume.load(snapshot.volumeId);
  }

  @FieldResolver(() => VolumeSnapshot, { nullable: true, description: 'What an INCREMENTAL one reads from; null for a FULL one.' })
  parent(): null {
    return null;
  }

  @FieldResolver(() => Int, { description: 'Files that a restore reads, its own included.' })
  chainLength(): number {
    return 1;
  }

  @FieldResolver(() => Actor, { description: 'Who asked for it.' })
  createdBy(@Root() snapshot: VolumeSnapshotRecord) {
    return snapshot.createdBy;
  }

  @FieldResolver(() => Operation, { nullable: true, description: 'The operation that works or worked on it last.' })
  operation(@Root() snapshot: VolumeSnapshotRecord, @Ctx() context: GraphQLContext) {
    return snapshot.operationId === null ? null : context.loaders.operation.load(snapshot.operationId);
  }

  @FieldResolver(() => [ActionAvailability], { description: 'What may be asked for now, by this caller.' })
  async actions(@Root() snapshot: VolumeSnapshotRecord, @Ctx() context: GraphQLContext) {
    return actionsOfVolumeSnapshot(context.principal, snapshot, await context.loaders.machineFacts.load(snapshot.virtualMachineId));
  }
}

@Resolver(() => Volume)
export class SnapshotsOfVolumeResolver {
  @FieldResolver(() => VolumeSnapshotConnection, { description: 'Its volume snapshots that are not DESTROYED, newest first.' })
  async snapshots(
    @Root() volume: VolumeRecord,
    @Ctx() context: GraphQLContext,
    @Arg('first', () => Int, { nullable: true, description: '25 unless told, 100 at most.' }) first?: number | null,
    @Arg('after', () => String, { nullable: true, description: 'A cursor of this list.' }) after?: string | null,
  ): Promise<Connection<VolumeSnapshotRecord>> {
    const page = pageRequest(first, after);
    const filter = { ...ANY_VOLUME_SNAPSHOT, volumeId: volume.id };
    return connectionOf(await pageVolumeSnapshots(context.app.database, { scope: context.scope, filter, page }), page);
  }
}
