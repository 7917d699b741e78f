import { Field, ObjectType } from 'type-graphql';
import { UserErrorCode } from '../errors/user-error-code.type.js';
import { defineEnum } from '../graphql/enum.js';

/** The contract's Action, whole. */
export const Action = defineEnum('Action', 'Something that may be asked for.', {
  CREATE_VM_SNAPSHOT: 'createVmSnapshot',
  REVERT_TO_VM_SNAPSHOT: 'revertToVmSnapshot',
  DELETE_VM_SNAPSHOT: 'deleteVmSnapshots',
  UPDATE_VM_SNAPSHOT: 'updateVmSnapshot',
  CLONE_VM_SNAPSHOT: 'cloneVmSnapshot',
  CREATE_VOLUME_SNAPSHOT: 'createVolumeSnapshot',
  REVERT_VOLUME: 'revertVolumeToSnapshot',
  DELETE_VOLUME_SNAPSHOT: 'deleteVolumeSnapshot',
  VERIFY_VOLUME_SNAPSHOT: 'verifyVolumeSnapshot',
  CREATE_TEMPLATE: 'createTemplate',
  DOWNLOAD: 'Download the image.',
  START: 'startVirtualMachine',
  STOP: 'stopVirtualMachine',
  MIGRATE: 'migrateVirtualMachine',
  MIGRATE_VOLUME: 'migrateVolume',
  RESIZE: 'resizeVirtualMachine',
  ATTACH_VOLUME: 'attachVolume',
  DETACH_VOLUME: 'detachVolume',
  DESTROY: 'destroyVirtualMachine',
  RECONCILE: 'reconcileVirtualMachine',
});

@ObjectType({
  simpleResolvers: true,
  description: 'Whether an action may be asked for now, by this caller; reason is a sentence for people.',
})
export class ActionAvailability {
  @Field(() => Action, { description: 'The action.' })
  declare readonly action: string;
  @Field(() => Boolean, { description: 'It would be accepted now, as far as can be told without its input.' })
  declare readonly enabled: boolean;
  @Field(() => UserErrorCode, { nullable: true, description: 'Why not; null where it is enabled.' })
  declare readonly code: string | null;
  @Field(() => String, { nullable: true, description: 'Why not, in a sentence; null where it is enabled.' })
  declare readonly reason: string | null;
}
