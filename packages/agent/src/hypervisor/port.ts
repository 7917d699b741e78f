/** What the agent needs from a hypervisor, in the agent's words. Adapters: libvirt/. Files that no machine has open are qemu-storage/'s. */

import type { BlockJobs } from './block-job-port.js';
import type { MachineChanges, Migrations } from './machine-port.js';

export type Power = 'ON' | 'PAUSED' | 'OFF' | 'UNKNOWN';

/** One machine as the hypervisor has it now. Definitions are libvirt's domain XML, secrets included. */
export interface MachineFacts {
  readonly uuid: string;
  readonly power: Power;
  readonly isPersistent: boolean;
  readonly isAutostarted: boolean;
  readonly hasManagedSave: boolean;
  /** Null while it is off. */
  readonly liveXml: string | null;
  /** The live definition as a migration would carry it; null while it is off. */
  readonly migratableXml: string | null;
  /** Null for a transient machine. */
  readonly inactiveXml: string | null;
  readonly snapshots: readonly string[];
  readonly checkpoints: readonly string[];
}

/** Something happened to a machine: look again. Nothing is read out of the event itself. */
export interface MachineEvent {
  readonly uuid: string;
  readonly event: 'lifecycle' | 'agent' | 'block-job';
  readonly detail: string;
}

/**
 * Every call has a deadline and throws CommandProblem for what the hypervisor refused, HypervisorLost when it went away in the middle
 * (then the outcome is unknown).
 */
export interface Hypervisor {
  readonly machines: MachineChanges;
  readonly blockJobs: BlockJobs;
  readonly migrations: Migrations;
  /** Resolves once the hypervisor answers; rejects with the signal's reason when it is aborted. */
  whenConnected(signal: AbortSignal): Promise<void>;
  onConnected(listener: () => void): void;
  onMachineEvent(listener: (event: MachineEvent) => void): void;
  versions(): Promise<{ libvirt: string; qemu: string }>;
  listMachines(): Promise<string[]>;
  /** Throws NOT_FOUND if the host has no such machine. */
  describeMachine(uuid: string): Promise<MachineFacts>;
  /** What keeps a snapshot from being taken now, in words; null when nothing does. */
  busyWith(uuid: string, targets: readonly string[]): Promise<string | null>;
  /** All disks or none, over files that are there already, without metadata of the hypervisor's own. */
  takeDiskSnapshot(uuid: string, snapshotXml: string): Promise<void>;
  /**
   * The same with the memory of a running machine, which goes on meanwhile if `isLive`, else stands still and goes on after it; disks and memory
   * are of one moment. Takes as long as its memory.
   */
  takeMemorySnapshot(request: { readonly uuid: string; readonly xml: string; readonly isLive: boolean }): Promise<void>;
  /** A running machine stands still; machines.resume lets it go on. */
  suspend(uuid: string): Promise<void>;
  define(xml: string): Promise<void>;
  /**
   * The files that a running machine's disks are on, asked of QEMU past libvirt's own record: a libvirtd that was killed inside a change may
   * believe the old ones for as long as the machine runs (lab.md, t-race 4). Marks the domain as tainted, so for that case alone.
   */
  writtenFiles(uuid: string): Promise<string[]>;
  switchAutostartOff(uuid: string): Promise<void>;
  /** Ends a machine at once: QEMU is asked to end, then killed. One that is off already is success. */
  stop(uuid: string): Promise<void>;
  /**
   * Starts from the persistent definition, or from a managed save image where there is one: `hasSavedMemory`, as that takes its time. Throws
   * MACHINE_STATE if it runs.
   */
  start(uuid: string, options?: { readonly isPaused?: boolean; readonly hasSavedMemory?: boolean }): Promise<void>;
  /** Success where there is none. */
  removeManagedSave(uuid: string): Promise<void>;
  /** Starts a machine in the middle of what it did: `path` is the saved memory, `xml` its live definition on the disks that go with it. */
  restoreMemory(request: { readonly path: string; readonly xml: string; readonly isPaused: boolean }): Promise<void>;
  /** One command to the guest agent; its `return` part. `timeoutMs` bounds the answer, not the agent's own waiting. */
  guestCommand(uuid: string, request: GuestRequest): Promise<unknown>;
  close(): Promise<void>;
}

export interface GuestRequest {
  readonly execute: string;
  readonly timeoutMs: number;
}
