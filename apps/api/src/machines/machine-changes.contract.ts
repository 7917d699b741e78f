/** The use cases that change a machine and not its tree. Implemented in this folder's slices, wired by machine-changes.ts. */
import type { Principal } from '../access/principal.js';
import type { Outcome } from '../errors/refusal.js';

/** What every request that starts work on one machine has. Ids are plain; one that cannot be anybody's is NOBODY. */
export type MachineRequest = { virtualMachineId: string; planHash: null; idempotencyKey: string | null };

export type StopRequest = MachineRequest & { force: boolean };
/** storagePoolId: move the volumes too, which this version refuses. */
export type MigrateRequest = MachineRequest & { hostId: string; storagePoolId: string | null };
/** Null: stays as it is. */
export type ResizeRequest = MachineRequest & { vcpus: number | null; memoryBytes: number | null };
export type AttachRequest = MachineRequest & { volumeId: string };
/** The machine is the one that has the volume, or had it. */
export type DetachRequest = { volumeId: string; idempotencyKey: string | null };
/** ADOPT: what the host has becomes the record. REPAIR: the definition is put back on what is recorded. */
export type ReconcileRequest = MachineRequest & { action: 'ADOPT' | 'REPAIR' };

/** Work that was started on a machine. */
export type StartedOnMachine = { virtualMachineId: string; operationId: string };
/** Work that was started on a volume. */
export type StartedOnVolume = { volumeId: string; operationId: string };

/** Each answers once its operation is recorded; the same key and body give the same operation again. Refusals change nothing. */
export interface MachineChanges {
  /** OPERATOR. */
  start(principal: Principal, request: MachineRequest): Promise<Outcome<StartedOnMachine>>;
  /** OPERATOR. Asks the guest, or stops it at once with `force`. A drifted machine can be stopped: repair may need it. */
  stop(principal: Principal, request: StopRequest): Promise<Outcome<StartedOnMachine>>;
  /** ADMIN. To another host of its cluster over shared storage; the tree stays as it is. */
  migrate(principal: Principal, request: MigrateRequest): Promise<Outcome<StartedOnMachine>>;
  /** OWNER. Discards the memory images of its snapshots. */
  resize(principal: Principal, request: ResizeRequest): Promise<Outcome<StartedOnMachine>>;
  /** OWNER. Its snapshots go with it; layers that others read are handed over to them. */
  destroy(principal: Principal, request: MachineRequest): Promise<Outcome<StartedOnMachine>>;
  /** OWNER. Refused while the machine has VM snapshots. */
  attachVolume(principal: Principal, request: AttachRequest): Promise<Outcome<StartedOnVolume>>;
  /** OWNER. Refused while the machine has VM snapshots. Its files stay. */
  detachVolume(principal: Principal, request: DetachRequest): Promise<Outcome<StartedOnVolume>>;
  /** ADOPT: OWNER. REPAIR: ADMIN. */
  reconcile(principal: Principal, request: ReconcileRequest): Promise<Outcome<StartedOnMachine>>;
}
