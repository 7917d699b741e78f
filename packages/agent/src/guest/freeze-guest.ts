/**
 * Freezes a guest's file systems around one act, always with a deadline: journalled first, watched by a process that outlives the agent,
 * thawed in every case. Must never thaw what somebody else froze, and never report a consistency that was not achieved.
 */
import type { Logger } from 'pino';
import { z } from 'zod';
import { CommandProblem } from '../failure.js';
import type { Hypervisor } from '../hypervisor/port.js';
import type { Journal } from '../journal/journal.js';
import { type FreezeStatus, freezeStatus } from './freeze-status.js';
import { dropEvidence, evidencePath } from './thaw-evidence.js';
import { thawLeftFrozen } from './thaw-left-frozen.js';
import { ThawWatcher } from './thaw-watcher-process.js';

/** How long a thaw is waited for before it is left to the watcher. */
const THAW_MS = 5_000;
/** After a freeze that failed: the caller has a deadline and the watcher goes on. */
const THAW_AFTER_FAILURE_MS = 1_000;

const fileSystemCount = z.int().nonnegative();

/** One freeze. `points`: called at the moments at which a test lets the agent die. */
export interface FreezeRequest<T> {
  readonly machineUuid: string;
  readonly commandId: string;
  readonly deadlineMs: number;
  readonly act: () => Promise<T>;
  readonly beforeFreeze: () => void;
  readonly whenFrozen: () => void;
}

/** `wasFrozenThroughout`: the file systems stood still for the whole act; false when the deadline passed inside it. */
export interface Frozen<T> {
  readonly result: T;
  readonly quiescedMs: number;
  readonly wasFrozenThroughout: boolean;
}

/** What the freezer needs. */
export interface FreezerParts {
  readonly hypervisor: Hypervisor;
  readonly journal: Journal;
  readonly libvirtUri: string;
  readonly stateDir: string;
  readonly log: Logger;
}

/** See the file's head. */
export class GuestFreezer {
  constructor(private readonly parts: FreezerParts) {}

  /** Throws GUEST_AGENT_UNAVAILABLE with nothing changed, or what `act` throws; in both cases after the thaw. */
  async whileFrozen<T>(request: FreezeRequest<T>): Promise<Frozen<T>> {
    const { hypervisor, journal, libvirtUri, stateDir, log } = this.parts;
    const { machineUuid, commandId, deadlineMs } = request;
    const until = performance.now() + deadlineMs;
    // Of an earlier try of this command: it says nothing about the freeze that begins now.
    dropEvidence(evidencePath(stateDir, commandId));
    const starting = ThawWatcher.start({ libvirtUri, machineUuid, commandId, stateDir, log });
    starting.catch(() => undefined);
    try {
      await requireThawed(hypervisor, machineUuid, deadlineMs);
    } catch (error) {
      starting.then((watcher) => watcher.release()).catch((cause: unknown) => log.warn({ err: cause }, 'the thaw watcher did not start'));
      throw error;
    }
    const watcher = await starting;
    await journal.append({ kind: 'freeze-begun', machineUuid, commandId });
    watcher.arm(deadlineMs);
    request.beforeFreeze();
    return this.freezeAndAct(request, watcher, Math.max(1000, until - performance.now()));
  }

  /** Ends a freeze of an earlier try, whose end was not seen: its evidence is wanted before the next one begins. */
  async endLeft(machineUuid: string): Promise<void> {
    await thawLeftFrozen(this.parts, machineUuid);
  }

  private async freezeAndAct<T>(request: FreezeRequest<T>, watcher: ThawWatcher, remainingMs: number): Promise<Frozen<T>> {
    const { machineUuid } = request;
    const sentAt = performance.now();
    try {
      await this.guest(machineUuid, 'guest-fsfreeze-freeze', remainingMs);
    } catch (cause) {
      await this.thaw(machineUuid, watcher, THAW_AFTER_FAILURE_MS);
      throw unavailable('The guest agent could not freeze the file systems', cause);
    }
    try {
      request.whenFrozen();
      const result = await request.act();
      const wasInTime = performance.now() - sentAt < request.deadlineMs && !watcher.hasThawed;
      const thawed = await this.thaw(machineUuid, watcher, THAW_MS);
      return { result, quiescedMs: Math.round(performance.now() - sentAt), wasFrozenThroughout: wasInTime && thawed !== 0 };
    } catch (error) {
      await this.thaw(machineUuid, watcher, THAW_MS);
      throw error;
    }
  }

  /**
   * How many file systems were thawed; null if the guest did not answer: then the watcher goes on trying, and so does the agent's next
   * start.
   */
  private async thaw(machineUuid: string, watcher: ThawWatcher, timeoutMs: number): Promise<number | null> {
    try {
      const count = fileSystemCount.parse(await this.guest(machineUuid, 'guest-fsfreeze-thaw', timeoutMs));
      watcher.release();
      await this.parts.journal.append({ kind: 'thaw-confirmed', machineUuid });
      return count;
    } catch (error) {
      this.parts.log.error({ err: error, machineUuid }, 'the guest did not confirm the thaw; the watcher goes on trying');
      watcher.thawNow();
      return null;
    }
  }

  private guest(machineUuid: string, execute: string, timeoutMs: number): Promise<unknown> {
    return this.parts.hypervisor.guestCommand(machineUuid, { execute, timeoutMs });
  }
}

async function requireThawed(hypervisor: Hypervisor, machineUuid: string, timeoutMs: number): Promise<void> {
  let found: FreezeStatus;
  try {
    found = await freezeStatus(hypervisor, machineUuid, timeoutMs);
  } catch (cause) {
    throw unavailable('The guest agent does not answer', cause);
  }
  if (found === 'frozen') throw unavailable("The guest's file systems are frozen already, by somebody else");
}

/** The refusal of every quiesce that cannot be had. */
export function unavailable(what: string, cause?: unknown): CommandProblem {
  return new CommandProblem({
    code: 'GUEST_AGENT_UNAVAILABLE',
    retryable: true,
    message: `${what}. The guest is not left frozen by this operation, and nothing was changed.`,
    hint: 'See to the guest agent (qemu-ga) in the guest and try again, or take the snapshot without quiesce.',
    cause,
  });
}
