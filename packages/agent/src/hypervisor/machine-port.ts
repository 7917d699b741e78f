/** What the agent does to machines as a whole: part of the hypervisor's port, and the same rules hold. */
import type { MachineFacts } from './port.js';

/** Which of a machine's definitions a change is made to. At least one. */
export interface ChangedDefinitions {
  readonly live: boolean;
  readonly persistent: boolean;
}

/** Changes of one machine on this host. */
export interface MachineChanges {
  /** Asks the guest to power off, by its agent or ACPI; whether it does is the guest's affair. */
  askToShutDown(uuid: string): Promise<void>;
  /** A paused machine goes on. */
  resume(uuid: string): Promise<void>;
  attachDisk(uuid: string, diskXml: string, where: ChangedDefinitions): Promise<void>;
  /** Live this only asks the guest to release the disk: look until it is gone. */
  detachDisk(uuid: string, diskXml: string, where: ChangedDefinitions): Promise<void>;
  /**
   * Takes the definition from the host, with what the hypervisor keeps beside it: managed save, NVRAM, TPM state, records of snapshots and
   * checkpoints. No disk is touched. A machine that is not there is success.
   */
  undefine(uuid: string): Promise<void>;
  /** Forgets the hypervisor's own records of snapshots; their files stay. */
  dropSnapshotRecords(uuid: string): Promise<void>;
  /** The definition inside the managed save image, secrets included. Throws MACHINE_STATE where there is none. */
  managedSaveXml(uuid: string): Promise<string>;
}

/** What another host says, or why it does not. `machine`: null if it does not know it. */
export type OtherHost =
  | { readonly isReached: false; readonly problem: string }
  | { readonly isReached: true; readonly isThisHost: boolean; readonly machine: MachineFacts | null };

/** A live migration. `streamUri`: how the machine's memory travels; null: as the hypervisors agree. */
export interface LiveMigration {
  readonly uuid: string;
  readonly destinationUri: string;
  readonly streamUri: string | null;
  /** The hypervisor is not to ask whether the storage is shared: we know. */
  readonly isStorageKnownShared: boolean;
  readonly isEncrypted: boolean;
  /** The definition that is to be persistent there. */
  readonly persistentXml: string;
}

/** Moving machines to another host. */
export interface Migrations {
  /** Never throws for the other host's sake. */
  lookAt(destinationUri: string, uuid: string): Promise<OtherHost>;
  /**
   * Moves a running machine; resolves when the hypervisor says that it is done, or with why not. Either way the truth is where the machine
   * runs now: look at both.
   */
  migrateLive(migration: LiveMigration): Promise<{ readonly problem: Error | null }>;
  /** Bytes of the migration at work; null when none is. */
  progressOf(uuid: string): Promise<{ readonly bytesDone: number; readonly bytesTotal: number } | null>;
  abort(uuid: string): Promise<void>;
  /** A machine that is paused there goes on. Throws HOST_UNAVAILABLE if that host does not answer. */
  resumeAt(destinationUri: string, uuid: string): Promise<void>;
  /** Defines a machine there. Throws HOST_UNAVAILABLE if that host does not answer. */
  defineAt(destinationUri: string, xml: string): Promise<void>;
}
