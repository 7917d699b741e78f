import { Field, ObjectType } from 'type-graphql';
import { connectionType } from '../graphql/connection.type.js';
import { defineEnum } from '../graphql/enum.js';
import { NodeInterface } from '../graphql/node.type.js';
import { DateTime, SafeInt } from '../graphql/scalars.js';
import { UserErrorInterface } from '../graphql/user-error.type.js';

/** The contract's HostState. */
export const HostState = defineEnum('HostState', 'Where a host stands with the control plane.', {
  ENROLLED: 'Has been announced; its agent has not connected yet.',
  UP: 'Its agent is connected.',
  DISCONNECTED: 'Its agent was connected and is not now; work for it waits.',
  MAINTENANCE: 'Gets no new work.',
  REVOKED: 'Its agent is refused.',
});

/** The contract's StoragePoolType. */
export const StoragePoolType = defineEnum('StoragePoolType', 'How a pool stores images. CLVM and RBD are known and refused.', {
  LOCAL: 'A folder of one host.',
  NFS: 'A folder on NFS that the cluster’s hosts mount.',
  SHARED_MOUNT_POINT: 'A folder that the cluster’s hosts share in some other way.',
  CLVM: 'Logical volumes; no snapshots (POOL_UNSUPPORTED).',
  RBD: 'Ceph block devices; no snapshots (POOL_UNSUPPORTED).',
});

@ObjectType({ simpleResolvers: true, description: 'One thing that a host can or cannot do.' })
export class HostCapability {
  @Field(() => String, { description: 'Its name, e.g. `disk-snapshot`.' })
  declare readonly name: string;
  @Field(() => Boolean, { description: 'The host can do it.' })
  declare readonly available: boolean;
  @Field(() => Boolean, { description: 'It can, and nobody has switched it off.' })
  declare readonly enabled: boolean;
  @Field(() => String, { nullable: true, description: 'Why it cannot, or what limits it; null where there is nothing to say.' })
  declare readonly reason: string | null;
}

@ObjectType({
  implements: NodeInterface,
  simpleResolvers: true,
  description: 'A hypervisor with one agent. ADMIN sees all of it; a tenant sees id and name of the host that runs its machine.',
})
export class Host extends NodeInterface {
  @Field(() => String, { description: 'Unique in the installation.' })
  declare readonly name: string;
  @Field(() => HostState, { nullable: true, description: 'ADMIN.' })
  declare readonly state: string | null;
  @Field(() => DateTime, { nullable: true, description: 'When its agent was last heard; null: never. ADMIN.' })
  declare readonly lastSeenAt: Date | null;
  @Field(() => String, { nullable: true, description: 'As the agent said; null before it first connected. ADMIN.' })
  declare readonly agentVersion: string | null;
  @Field(() => String, { nullable: true, description: 'As the agent said. ADMIN.' })
  declare readonly libvirtVersion: string | null;
  @Field(() => String, { nullable: true, description: 'As the agent said. ADMIN.' })
  declare readonly qemuVersion: string | null;
  @Field(() => [HostCapability], {
    nullable: true,
    description: 'What this host can do, why not where it cannot, and whether it is switched on. ADMIN.',
  })
  declare readonly capabilities: readonly HostCapability[] | null;
}

@ObjectType({
  implements: NodeInterface,
  simpleResolvers: true,
  description: 'Where disks of machines live. capacityBytes and availableBytes: ADMIN.',
})
export class StoragePool extends NodeInterface {
  @Field(() => String, { description: 'Unique in its cluster, or on its host where it is LOCAL.' })
  declare readonly name: string;
  @Field(() => StoragePoolType, { description: 'How it stores images.' })
  declare readonly type: string;
  @Field(() => Boolean, { description: 'Machines with disks in it can be snapshotted.' })
  declare readonly supportsSnapshots: boolean;
  @Field(() => SafeInt, { nullable: true, description: 'Size in bytes, as an agent last said; null: not known. ADMIN.' })
  declare readonly capacityBytes: number | null;
  @Field(() => SafeInt, { nullable: true, description: 'Free bytes, as an agent last said; null: not known. ADMIN.' })
  declare readonly availableBytes: number | null;
}

export const HostConnection = connectionType('Host', () => Host);
export const StoragePoolConnection = connectionType('StoragePool', () => StoragePool);

@ObjectType({ simpleResolvers: true, description: 'What a mutation of a host answers.' })
export class HostPayload {
  @Field(() => Host, { nullable: true, description: 'The host as it is now; null where errors is not empty.' })
  declare readonly host: Host | null;
  @Field(() => [UserErrorInterface], { description: 'Why nothing was changed; empty where it was done.' })
  declare readonly errors: readonly UserErrorInterface[];
}

@ObjectType({ simpleResolvers: true, description: 'What createHostEnrollment answers.' })
export class HostEnrollmentPayload {
  @Field(() => Host, { nullable: true, description: 'The announced host; null where errors is not empty.' })
  declare readonly host: Host | null;
  @Field(() => String, { nullable: true, description: 'For the agent’s configuration; works once, within 24 hours. Shown once.' })
  declare readonly token: string | null;
  @Field(() => [UserErrorInterface], { description: 'Why nothing was changed; empty where it was done.' })
  declare readonly errors: readonly UserErrorInterface[];
}
