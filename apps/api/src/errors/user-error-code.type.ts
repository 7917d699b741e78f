import { defineEnum } from '../graphql/enum.js';
import { USER_ERROR_CODES, type UserErrorCode as Code } from './refusal.js';

const MEANINGS: Readonly<Record<Code, string>> = {
  NOT_FOUND: 'It is not there, or it is another project’s: the two look the same on purpose.',
  FORBIDDEN: 'The caller sees it, but its role does not allow this.',
  INVALID_INPUT: 'A value of the input cannot be used; `path` names it.',
  NAME_TAKEN: 'The name is used already where it must be unique.',
  QUOTA_EXCEEDED: 'A quota of the project would be exceeded.',
  RATE_LIMITED: 'Too many requests; try again later.',
  IDEMPOTENCY_CONFLICT: 'The idempotency key was used before with another input.',
  PLAN_CHANGED: 'The plan is not the one that was looked at.',
  CURSOR_EXPIRED: 'The cursor is not known any more.',
  MACHINE_BUSY: 'Another operation holds the machine or a layer that it reads.',
  MACHINE_STATE: 'The machine’s state does not allow this.',
  MACHINE_DRIFTED: 'The host does not have what is recorded; reconcile first.',
  HOST_UNAVAILABLE: 'The host’s agent is not connected.',
  HOST_TOO_OLD: 'The host’s libvirt or QEMU is too old for this.',
  CAPABILITY_DISABLED: 'The host, or this version of Coppice, cannot do this, or it is switched off.',
  POOL_UNSUPPORTED: 'The type of the storage pool does not carry snapshots.',
  INSUFFICIENT_SPACE: 'The storage pool has not enough room.',
  HAS_VM_SNAPSHOTS: 'The machine has VM snapshots, which forbid this.',
  HAS_VOLUME_SNAPSHOTS: 'The volume has volume snapshots, which forbid this.',
  HAS_CLONES: 'Clones read layers of it.',
  CHAIN_TOO_LONG: 'A volume’s chain of layers is at its bound.',
  SNAPSHOT_LOCKED: 'The snapshot is locked.',
  SNAPSHOT_STATE: 'The snapshot’s state does not allow this.',
  MIXED_SNAPSHOT_KINDS: 'The machine has internal snapshots, which cannot be mixed with ours.',
  GUEST_AGENT_UNAVAILABLE: 'The guest agent did not answer in time; the guest is not frozen.',
  NOT_REVERTIBLE: 'A disk of the snapshot is gone.',
  NOT_CANCELABLE: 'The operation cannot be cancelled now.',
  IMAGE_REFUSED: 'An image is not safe to use.',
  IO_ERROR: 'Reading or writing storage failed.',
  INTERNAL: 'A fault of Coppice; the message carries an id for the operator’s log.',
};

/** The contract's UserErrorCode. */
export const UserErrorCode = defineEnum(
  'UserErrorCode',
  'Why something was refused or failed.',
  Object.fromEntries(USER_ERROR_CODES.map((code) => [code, MEANINGS[code]])),
);
