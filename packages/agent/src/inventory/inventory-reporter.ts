/**
 * Tells the API what this host has: all of it after each hello, one machine when libvirt says that it changed, and a slow look at all,
 * because nobody announces what is done by hand with qemu-img or a snapshot of virsh. Must never change anything but libvirt's autostart.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentMessage, machineSeen } from '@coppice/protocol';
import type { Logger } from 'pino';
import { CommandProblem, HypervisorLost } from '../failure.js';
import type { Hypervisor } from '../hypervisor/port.js';
import type { Journal } from '../journal/journal.js';
import type { PoolFolders } from '../pools/pool-folders.js';
import { digestOf } from './digest.js';
import { machineInventory } from './machine-inventory.js';

/** Events of one change come in bursts (a boot is five); one look for all of them. In milliseconds. */
const DEBOUNCE_MS = 150;
/**
 * How often everything is looked at without an event, in milliseconds: headers only, some 2 ms a machine; unchanged machines are not sent.
 */
const SWEEP_MS = 30_000;

/** What the reporter needs. `tell` says whether the session took it; the next hello sends all again. */
export interface ReporterParts {
  readonly hypervisor: Hypervisor;
  readonly pools: PoolFolders;
  readonly journal: Journal;
  readonly tell: (message: AgentMessage) => boolean;
  readonly log: Logger;
  readonly now: () => Date;
}

/** See the file's head. */
export class InventoryReporter {
  private turn: Promise<void> = Promise.resolve();
  private readonly scheduled = new Map<string, NodeJS.Timeout>();
  /** What was last told of each machine, without byte counts; emptied by each full report. */
  private readonly told = new Map<string, string>();

  constructor(private readonly parts: ReporterParts) {}

  /** Sweeps until the signal is aborted. */
  async sweep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(SWEEP_MS, undefined, { signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
      if (!signal.aborted) await this.inTurn(() => this.reportAll({ onlyChanged: true }));
    }
    for (const timer of this.scheduled.values()) clearTimeout(timer);
  }

  /** Reports everything; resolves when it is told. */
  reportEverything(): Promise<void> {
    return this.inTurn(async () => {
      this.told.clear();
      await this.reportAll({ onlyChanged: false });
    });
  }

  /** Something happened to a machine: looks at it soon, once for a burst; beside a command of it not at all, as the command's end says so again. */
  machineChanged(uuid: string): void {
    // Not put off by each further event: a machine that never rests would never be looked at.
    if (this.scheduled.has(uuid)) return;
    const look = () => {
      this.scheduled.delete(uuid);
      if (this.isBusy(uuid)) return;
      void this.inTurn(async () => {
        const isThere = await this.reportMachine(uuid, { onlyChanged: false });
        // That it is gone is said by a list without it.
        if (!isThere) await this.reportAll({ onlyChanged: true });
      });
    };
    this.scheduled.set(uuid, setTimeout(look, DEBOUNCE_MS));
  }

  /** Whether a command works on it: the API counts no look beside an operation, and one inside a snapshot lengthens the guest's stall. */
  private isBusy(uuid: string): boolean {
    return this.parts.journal.state.unfinished().some(({ command }) => command.body.machineUuid === uuid);
  }

  /** One look at a time, so that a later look is never told before an earlier one. What fails here is looked at again by the next sweep. */
  private inTurn(look: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(look).catch((error: unknown) => {
      this.parts.log.warn({ err: error }, 'the inventory could not be taken; it is taken again with the next change or sweep');
    });
    return this.turn;
  }

  private async reportAll(mode: { onlyChanged: boolean }): Promise<void> {
    const { hypervisor, journal, tell, log } = this.parts;
    await this.reportPools();
    const { position } = journal.state;
    const machineUuids = await hypervisor.listMachines();
    for (const uuid of machineUuids) {
      if (mode.onlyChanged && this.isBusy(uuid)) continue;
      await this.reportMachine(uuid, mode).catch((error: unknown) => {
        if (error instanceof HypervisorLost) throw error;
        log.warn({ err: error, uuid }, 'a machine could not be looked at; the others are');
      });
    }
    tell({ type: 'inventory.completed', position, machineUuids });
  }

  /** False if the host has no such machine. */
  private async reportMachine(uuid: string, { onlyChanged }: { onlyChanged: boolean }): Promise<boolean> {
    const { hypervisor, pools, journal, tell, now } = this.parts;
    // Read before the look: what a command changes meanwhile has a higher position, and then this look does not count.
    const { position } = journal.state;
    const takenAt = now().toISOString();
    try {
      const facts = await hypervisor.describeMachine(uuid);
      if (facts.isAutostarted && journal.state.knowsMachine(uuid)) await hypervisor.switchAutostartOff(uuid);
      const machine = await machineInventory(facts, pools);
      const digest = digestOf(machine);
      if (onlyChanged && this.told.get(uuid) === digest) return true;
      // Checked before it is sent: one machine beyond the protocol's bounds must not cost the host its session.
      const message = machineSeen.parse({ type: 'inventory.machine-seen', position, takenAt, machine });
      if (tell(message)) this.told.set(uuid, digest);
      else this.told.delete(uuid);
      return true;
    } catch (error) {
      if (error instanceof HypervisorLost) throw error;
      if (!(error instanceof CommandProblem)) throw new Error(`machine ${uuid} cannot be looked at`, { cause: error });
      if (error.code !== 'NOT_FOUND') throw error;
      this.told.delete(uuid);
      return false;
    }
  }

  private async reportPools(): Promise<void> {
    const { pools, tell } = this.parts;
    const seen = await Promise.all(
      pools.pools.map(async ({ name, type }) => {
        try {
          const space = await pools.spaceOf(name);
          return { name, type, capacityBytes: space.capacityBytes, availableBytes: space.availableBytes, problem: null };
        } catch (error) {
          if (!(error instanceof CommandProblem)) throw error;
          return { name, type, capacityBytes: null, availableBytes: null, problem: error.message.slice(0, 1000) };
        }
      }),
    );
    tell({ type: 'inventory.pools-seen', pools: seen });
  }
}
