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
import { endLeftWatchers } from './left-watchers.js';
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

/** What a freeze begins with. `until`: its deadline, by performance.now. */
interface Prepared {
  readonly watcher: Promise<ThawWatcher>;
  readonly thawed: Promise<void>;
  readonly until: number;
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
  /** By command. */
  private readonly prepared = new Map<string, Prepared>();

  constructor(private readonly parts: FreezerParts) {}

  /**
   * Begins what a freeze needs and what changes nothing, so that it gets ready beside the command's own checks: the watcher, and the guest's
   * word that it is thawed. To be followed by `dismiss`, with or without a `whileFrozen` in between.
   */
  prepare({ machineUuid, commandId, deadlineMs }: Pick<FreezeRequest<never>, 'machineUuid' | 'commandId' | 'deadlineMs'>): void {
    const { hypervisor, libvirtUri, stateDir, log } = this.parts;
    const watcher = ThawWatcher.start({ libvirtUri, machineUuid, commandId, stateDir, log });
    const thawed = requireThawed(hypervisor, machineUuid, deadlineMs);
    // Heard here as well: the checks may end before anybody waits for these.
    watcher.catch(() => undefined);
    thawed.catch(() => undefined);
    this.prepared.set(commandId, { watcher, thawed, until: performance.now() + deadlineMs });
  }

  /** No freeze comes: the watcher that was prepared ends. Nothing happens if it is in use, or was. */
  dismiss(commandId: string): void {
    const { log } = this.parts;
    const prepared = this.taken(commandId);
    prepared?.watcher
      .then((watcher) => watcher.release())
      .catch((cause: unknown) => log.warn({ err: cause }, 'the thaw watcher did not start'));
  }

  /** After `prepare`. Throws GUEST_AGENT_UNAVAILABLE with nothing changed, or what `act` throws; in both cases after the thaw. */
  async whileFrozen<T>(request: FreezeRequest<T>): Promise<Frozen<T>> {
    const { journal, stateDir, log } = this.parts;
    const { machineUuid, commandId, deadlineMs } = request;
    const prepared = this.prepared.get(commandId);
    if (prepared === undefined) throw new Error(`no freeze was prepared for command ${commandId}`);
    await prepared.thawed;
    const watcher = await prepared.watcher;
    // Before it is taken: where this throws, `dismiss` ends the watcher of this freeze.
    await endLeftWatchers({ stateDir, machineUuid, except: watcher.pid, log });
    this.taken(commandId);
    // Of an earlier try of this command: it says nothing about the freeze that begins now.
    dropEvidence(evidencePath(stateDir, commandId));
    await journal.append({ kind: 'freeze-begun', machineUuid, commandId });
    watcher.arm(deadlineMs);
    request.beforeFreeze();
    return this.freezeAndAct(request, watcher, Math.max(1000, prepared.until - performance.now()));
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

  private taken(commandId: string): Prepared | undefined {
    const prepared = this.prepared.get(commandId);
    this.prepared.delete(commandId);
    return prepared;
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
