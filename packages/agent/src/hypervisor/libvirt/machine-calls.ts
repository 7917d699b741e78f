/** Calls on machines as a whole, checked where they cross the process border; part of calls.ts. */
import { z } from 'zod';

/** Raw facts of one domain, taken in one visit. `liveXml` is null while it is off; `inactiveXml` is null for a transient one. */
export const rawMachine = z.object({
  uuid: z.string(),
  state: z.int(),
  isActive: z.boolean(),
  isPersistent: z.boolean(),
  isAutostarted: z.boolean(),
  hasManagedSave: z.boolean(),
  liveXml: z.string().nullable(),
  /** The live definition as a migration would carry it (`--migratable`); null while it is off. */
  migratableXml: z.string().nullable(),
  inactiveXml: z.string().nullable(),
  snapshots: z.array(z.string()),
  checkpoints: z.array(z.string()),
});
export type RawMachine = z.infer<typeof rawMachine>;

/** libvirt's own error as a value: of a call in which two hosts take part, and whose error does not say that this host is lost. */
export const libvirtProblem = z.object({ code: z.int(), domain: z.int(), message: z.string() });

export const machineAnswers = {
  shutDown: z.null(),
  resume: z.null(),
  attachDisk: z.null(),
  detachDisk: z.null(),
  undefine: z.null(),
  dropSnapshotRecords: z.null(),
  managedSaveXml: z.string(),
  lookAt: z.union([
    z.object({ problem: libvirtProblem }),
    z.object({ problem: z.null(), isThisHost: z.boolean(), machine: rawMachine.nullable() }),
  ]),
  migrate: z.object({ problem: libvirtProblem.nullable() }),
  migrationProgress: z.object({ bytesDone: z.number(), bytesTotal: z.number() }).nullable(),
  abortJob: z.null(),
  resumeAt: z.object({ problem: libvirtProblem.nullable() }),
  defineAt: z.object({ problem: libvirtProblem.nullable() }),
} as const;

export type MachineCallName = keyof typeof machineAnswers;
export type MachineCallAnswer<Name extends MachineCallName> = z.infer<(typeof machineAnswers)[Name]>;

interface DiskChange {
  uuid: string;
  xml: string;
  live: boolean;
  persistent: boolean;
}

export interface MachineCallArguments {
  shutDown: { uuid: string };
  resume: { uuid: string };
  attachDisk: DiskChange;
  detachDisk: DiskChange;
  undefine: { uuid: string };
  dropSnapshotRecords: { uuid: string };
  managedSaveXml: { uuid: string };
  lookAt: { uri: string; uuid: string };
  migrate: { uuid: string; uri: string; streamUri: string | null; persistentXml: string; isUnsafe: boolean; isEncrypted: boolean };
  migrationProgress: { uuid: string };
  abortJob: { uuid: string };
  resumeAt: { uri: string; uuid: string };
  defineAt: { uri: string; xml: string };
}
