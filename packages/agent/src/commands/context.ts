import type { CommandIssued, StepKind } from '@coppice/protocol';
import type { Logger } from 'pino';
import type { CrashPoint } from '../crash-points.js';
import type { GuestFreezer } from '../guest/freeze-guest.js';
import type { Hypervisor } from '../hypervisor/port.js';
import type { CommandEntry } from '../journal/state.js';
import type { PoolFolders } from '../pools/pool-folders.js';

export type ProgressState = 'RUNNING' | 'SUCCEEDED' | 'FAILED';

/** What a step is about. `target`: of which disk, if it is of one. Bytes that the step's job has copied, and will have copied. */
export interface ProgressFacts {
  readonly target?: string | null;
  readonly bytesDone?: number;
  readonly bytesTotal?: number;
}

/** What this host's administrator set. `mergeBytesPerSecond`: null for as fast as it goes. */
export interface HostSettings {
  readonly mergeBytesPerSecond: number | null;
  readonly emulatedMemory: 'HELD' | 'LIVE';
}

/** What a command may use. */
export interface CommandContext {
  readonly command: CommandIssued;
  readonly hypervisor: Hypervisor;
  readonly pools: PoolFolders;
  readonly freezer: GuestFreezer;
  readonly stateDir: string;
  readonly settings: HostSettings;
  readonly log: Logger;
  readonly now: () => Date;
  /** It was begun before, by this process or one that died: look first at what is there. */
  readonly isRepeat: boolean;
  /** Steps of this command that are durable in the journal. */
  steps: () => CommandEntry['steps'];
  /** Makes a step durable; resolves when it is. */
  note: (name: string, detail: Record<string, string>) => Promise<void>;
  /** Tells people; may be lost. `about`: the disk, or more. Bytes of a running step are told at most 4 times a second. */
  progress: (step: StepKind, state: ProgressState, about?: string | ProgressFacts) => void;
  /** Aborted when the command is to be stopped. A command that can be stopped then throws CommandCancelled; every other ignores it. */
  readonly cancelled: AbortSignal;
  crash: (point: CrashPoint) => void;
}

/** The steps of that name. */
export function notesOf(context: CommandContext, name: string): CommandEntry['steps'] {
  return context.steps().filter((step) => step.name === name);
}

/** Runs a part of a command and tells people when it begins and ends. */
export async function told<T>(context: CommandContext, step: StepKind, work: () => Promise<T>): Promise<T> {
  context.progress(step, 'RUNNING');
  try {
    const result = await work();
    context.progress(step, 'SUCCEEDED');
    return result;
  } catch (error) {
    context.progress(step, 'FAILED');
    throw error;
  }
}
