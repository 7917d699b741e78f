import 'reflect-metadata';
import { GraphQLObjectType, type GraphQLSchema, isObjectType } from 'graphql';
import { buildSchemaSync, type NonEmptyArray } from 'type-graphql';
import { ActorResolver } from '../access/actor.resolver.js';
import { StateTransitionResolver } from '../events/state-transition.resolver.js';
import { HostMutations } from '../hosts/host.mutation.js';
import { HostResolver } from '../hosts/host.resolver.js';
import { MachineChangeMutations } from '../machines/machine-changes.mutation.js';
import { MachineMutations } from '../machines/machine.mutation.js';
import { DriftFindingResolver, VirtualMachineResolver } from '../machines/machine.resolver.js';
import { OperationMutations } from '../operations/operation.mutation.js';
import { OperationResolver, OperationStepResolver } from '../operations/operation.resolver.js';
import { OperationSubscriptions } from '../operations/operation.subscription.js';
import { ProjectMutations } from '../projects/project.mutation.js';
import { MemberResolver, ProjectResolver, ViewerResolver } from '../projects/project.resolver.js';
import { TemplateResolver } from '../templates/template.resolver.js';
import { RetainedLayerResolver, SnapshotTreeResolver } from '../vm-snapshots/browse-tree/snapshot-tree.resolver.js';
import { CloneMutations } from '../vm-snapshots/clone/clone.mutation.js';
import { PlanStepResolver } from '../vm-snapshots/create/plan.resolver.js';
import { DeleteMutations } from '../vm-snapshots/delete/delete.mutation.js';
import { RevertMutations } from '../vm-snapshots/revert/revert.mutation.js';
import { VmSnapshotMutations } from '../vm-snapshots/snapshot.mutation.js';
import { SnapshotDiskResolver, VmSnapshotResolver } from '../vm-snapshots/snapshot.resolver.js';
import { SnapshotTreeChangeResolver } from '../vm-snapshots/watch-tree/tree-change.resolver.js';
import { VolumeSnapshotMutations } from '../volume-snapshots/volume-snapshot.mutation.js';
import { SnapshotsOfVolumeResolver, VolumeSnapshotResolver } from '../volume-snapshots/volume-snapshot.resolver.js';
import { FlattenMutations } from '../volumes/flatten/flatten.mutation.js';
import { VolumeResolver } from '../volumes/volume.resolver.js';
import { ZoneMutations } from '../zones/zone.mutation.js';
import { ClusterResolver, ZoneResolver } from '../zones/zone.resolver.js';
import { toGlobalId } from './global-id.js';
import { NodeResolver } from './node.resolver.js';
import type { NodeRecord } from './node.type.js';
import { DateTime } from './scalars.js';

/** Every class of resolvers. They hold nothing: what they need comes with the context of each answer. */
const RESOLVERS: NonEmptyArray<new () => object> = [
  NodeResolver,
  ViewerResolver,
  ProjectResolver,
  MemberResolver,
  ActorResolver,
  ProjectMutations,
  ZoneResolver,
  ClusterResolver,
  ZoneMutations,
  HostResolver,
  HostMutations,
  VirtualMachineResolver,
  DriftFindingResolver,
  MachineMutations,
  MachineChangeMutations,
  VolumeResolver,
  FlattenMutations,
  VolumeSnapshotResolver,
  SnapshotsOfVolumeResolver,
  VolumeSnapshotMutations,
  SnapshotTreeResolver,
  RetainedLayerResolver,
  VmSnapshotResolver,
  SnapshotDiskResolver,
  VmSnapshotMutations,
  RevertMutations,
  DeleteMutations,
  CloneMutations,
  TemplateResolver,
  PlanStepResolver,
  SnapshotTreeChangeResolver,
  OperationResolver,
  OperationStepResolver,
  OperationMutations,
  OperationSubscriptions,
  StateTransitionResolver,
];

/** Our subscriptions bring their own source (EventFeed); type-graphql insists on having a pubSub and never calls it. */
const NO_PUB_SUB = {
  publish(): never {
    throw new Error('type-graphql’s pubSub is not used: events come from the stream of transitions');
  },
  subscribe(): never {
    throw new Error('type-graphql’s pubSub is not used: events come from the stream of transitions');
  },
};

/** Assembles the schema. No global middleware (an empty one halves the speed), no class-validator: inputs are checked by use cases. */
export function buildSchema(): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: RESOLVERS,
    validate: false,
    pubSub: NO_PUB_SUB,
    scalarsMap: [{ type: Date, scalar: DateTime }],
  });
  for (const type of Object.values(schema.getTypeMap())) {
    if (isObjectType(type)) resolveGlobalId(type);
  }
  return schema;
}

/** Records carry plain ids: the global id is made here, in one place, for every Node and for Viewer. */
function resolveGlobalId(type: GraphQLObjectType): void {
  const isNode = type.getInterfaces().some((one) => one.name === 'Node');
  const field = isNode || type.name === 'Viewer' ? type.getFields()['id'] : undefined;
  if (field) field.resolve = (record: NodeRecord) => toGlobalId(record.__typename, record.id);
}
