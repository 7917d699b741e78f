import { Arg, Ctx, FieldResolver, Int, Query, Resolver, Root } from 'type-graphql';
import { Actor } from '../access/actor.type.js';
import type { GraphQLContext } from '../graphql/context.js';
import { filterList, filterText } from '../graphql/filter-text.js';
import { filterId } from '../graphql/global-id.js';
import { type Connection, connectionOf, connectionOfList, pageRequest } from '../graphql/page.js';
import { ActionAvailability } from '../machines/action.type.js';
import { VirtualMachine } from '../machines/machine.type.js';
import { Operation } from '../operations/operation.type.js';
import { Volume } from '../volumes/volume.type.js';
import { VmSnapshotFilter } from './snapshot.input.js';
import { actionsOfSnapshot } from './snapshot-actions.js';
import { pageSnapshots, type PinRecord, type SnapshotRecord } from './snapshot.reads.store.js';
import { SnapshotDisk, SpaceUse, VmSnapshot, VmSnapshotConnection } from './snapshot.type.js';

@Resolver(() => VmSnapshot)
export class VmSnapshotResolver {
  @Query(() => VmSnapshotConnection, { description: 'The VM snapshots that the caller may see, newest first.' })
  async vmSnapshots(
    @Ctx() context: GraphQLContext,
    @Arg('first', () => Int, { nullable: true, description: '25 unless told, 100 at most.' }) first?: number | null,
    @Arg('after', () => String, { nullable: true, description: 'A cursor of this list.' }) after?: string | null,
    @Arg('filter', () => VmSnapshotFilter, { nullable: true, description: 'Which ones.' }) filter?: VmSnapshotFilter | null,
  ): Promise<Connection<SnapshotRecord>> {
    const page = pageRequest(first, after);
    const wanted = {
      projectId: filterId('Project', filter?.projectId),
      virtualMachineId: filterId('VirtualMachine', filter?.virtualMachineId),
      states: filterList('states', filter?.states),
      keyword: filterText('keyword', filter?.keyword),
      createdBy: filterText('createdBy', filter?.createdBy),
      createdAfter: filter?.createdAfter ?? null,
      createdBefore: filter?.createdBefore ?? null,
    };
    return connectionOf(await pageSnapshots(context.app.database, { scope: context.scope, filter: wanted, page }), page);
  }

  @FieldResolver(() => VirtualMachine, { description: 'The machine it is of.' })
  virtualMachine(@Root() snapshot: SnapshotRecord, @Ctx() context: GraphQLContext) {
    return context.loaders.machine.load(snapshot.virtualMachineId);
  }

  @FieldResolver(() => VmSnapshot, { nullable: true, description: 'The snapshot that it grew from; null for a root.' })
  parent(@Root() snapshot: SnapshotRecord, @Ctx() context: GraphQLContext) {
    return snapshot.parentId === null ? null : context.loaders.snapshot.load(snapshot.parentId);
  }

  @FieldResolver(() => VmSnapshotConnection, { description: 'The snapshots that grew from it, oldest first.' })
  async children(
    @Root() snapshot: SnapshotRecord,
    @Ctx() context: GraphQLContext,
    @Arg('first', () => Int, { nullable: true, description: '25 unless told, 100 at most.' }) first?: number | null,
    @Arg('after', () => String, { nullable: true, description: 'A cursor of this list.' }) after?: string | null,
  ): Promise<Connection<SnapshotRecord>> {
    const tree = await context.loaders.tree.load(snapshot.virtualMachineId);
    return connectionOfList(tree?.childrenOf(snapshot.id) ?? [], pageRequest(first, after));
  }

  @FieldResolver(() => Actor, { description: 'Who asked for it.' })
  createdBy(@Root() snapshot: SnapshotRecord) {
    return snapshot.createdBy;
  }

  @FieldResolver(() => [SnapshotDisk], { description: 'The volumes that it holds, vda first.' })
  disks(@Root() snapshot: SnapshotRecord, @Ctx() context: GraphQLContext) {
    return context.loaders.pinsOf.load(snapshot.id);
  }

  @FieldResolver(() => SpaceUse, { description: 'What it keeps on storage.' })
  async space(@Root() snapshot: SnapshotRecord, @Ctx() context: GraphQLContext) {
    const tree = await context.loaders.tree.load(snapshot.virtualMachineId);
    return tree?.space.ofSnapshot(snapshot.id) ?? { exclusiveBytes: 0, sharedBytes: 0, retainedBytes: 0 };
  }

  @FieldResolver(() => Operation, { nullable: true, description: 'The operation that works or worked on it last.' })
  operation(@Root() snapshot: SnapshotRecord, @Ctx() context: GraphQLContext) {
    return snapshot.operationId === null ? null : context.loaders.operation.load(snapshot.operationId);
  }

  @FieldResolver(() => [ActionAvailability], { description: 'What may be asked for now, by this caller.' })
  async actions(@Root() snapshot: SnapshotRecord, @Ctx() context: GraphQLContext) {
    return actionsOfSnapshot(context.principal, snapshot, await context.loaders.machineFacts.load(snapshot.virtualMachineId));
  }
}

@Resolver(() => SnapshotDisk)
export class SnapshotDiskResolver {
  @FieldResolver(() => Volume, { nullable: true, description: 'The volume; null where it is gone.' })
  volume(@Root() pin: PinRecord, @Ctx() context: GraphQLContext) {
    return context.loaders.volume.load(pin.volumeId);
  }

  @FieldResolver(() => String, { nullable: true, description: 'The frozen layer’s file in its pool. ADMIN.' })
  layerPath(@Root() pin: PinRecord, @Ctx() context: GraphQLContext): string | null {
    return context.scope.isAdmin ? pin.fileName : null;
  }
}
