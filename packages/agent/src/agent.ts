/** All wiring of the agent in one place: journal, hypervisor, guests, commands, inventory, session. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentMessage } from '@coppice/protocol';
import type { Logger } from 'pino';
import { CommandRunner } from './commands/command-runner.js';
import type { AgentConfig } from './config.js';
import { CRASH_VARIABLE, crashAt } from './crash-points.js';
import { GuestFreezer } from './guest/freeze-guest.js';
import { thawLeftFrozen } from './guest/thaw-left-frozen.js';
import { LibvirtHypervisor } from './hypervisor/libvirt/libvirt-hypervisor.js';
import { InventoryReporter } from './inventory/inventory-reporter.js';
import { Journal } from './journal/journal.js';
import { PoolFolders } from './pools/pool-folders.js';
import { ReportOutbox } from './session/report-outbox.js';
import type { Session } from './session/session.js';
import { sessionHandlers } from './session/session-handlers.js';
import { stayConnected } from './session/stay-connected.js';

/** How often a guest that may still be frozen and does not answer is tried again, in milliseconds. */
const THAW_AGAIN_MS = 10_000;
/** How long a stop waits for a command at work, in milliseconds; what is not done by then goes on at the next start. */
const STOP_MS = 20_000;

/** What an agent is started with. `version`: of its package. `ready`: told once the first session is open. */
export interface AgentOptions {
  readonly config: AgentConfig;
  readonly log: Logger;
  readonly version: string;
  readonly signal: AbortSignal;
  readonly ready: () => void;
}

type Workers = { runner: CommandRunner; reporter: InventoryReporter; outbox: ReportOutbox; failed: Promise<never> };
type Parts = AgentOptions & Workers & { journal: Journal; hypervisor: LibvirtHypervisor };

/** Runs until the signal is aborted. Throws what makes it impossible to go on: a journal that cannot be written, a broken rule of ours. */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { config, log, signal, version, ready } = options;
  const journal = await Journal.open(config.stateDir);
  const hypervisor = new LibvirtHypervisor(config.libvirtUri, log);
  const current: { session: Session | null } = { session: null };
  const tell = (message: AgentMessage) => current.session?.sendLossy(message) ?? false;
  const workers = makeWorkers(options, { journal, hypervisor, tell });
  const parts: Parts = { ...options, ...workers, journal, hypervisor };
  const { runner, reporter, outbox, failed } = workers;
  // Before any command of a session: what a dead agent left frozen, then what it left undone.
  thawInTurn(parts);
  runner.resume();
  watchMachines(parts);
  const handlers = sessionHandlers({ config, log, version, ready, journal, hypervisor, runner, reporter, outbox, current });
  try {
    const session = stayConnected({ apiUrls: config.apiUrls, handlers, log, signal });
    await Promise.race([Promise.all([session, reporter.sweep(signal), thawAgain(parts)]), failed]);
    await Promise.race([runner.idle(), sleep(STOP_MS)]);
  } finally {
    await hypervisor.close();
    await journal.close();
  }
}

type Ground = { journal: Journal; hypervisor: LibvirtHypervisor; tell: (message: AgentMessage) => boolean };

function makeWorkers({ config, log, signal }: AgentOptions, { journal, hypervisor, tell }: Ground): Workers {
  const { stateDir, libvirtUri } = config;
  const pools = new PoolFolders(config.pools);
  const freezer = new GuestFreezer({ hypervisor, journal, libvirtUri, stateDir, log });
  const now = () => new Date();
  const reporter = new InventoryReporter({ hypervisor, pools, journal, tell, log, now });
  const outbox = new ReportOutbox(journal.state);
  const machineChanged = (uuid: string) => reporter.machineChanged(uuid);
  const crash = crashAt(stateDir, process.env[CRASH_VARIABLE]);
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  const runnerParts = { hypervisor, pools, freezer, stateDir, log, now, crash, journal, tell, outbox, machineChanged, signal };
  return { runner: new CommandRunner(runnerParts, (error) => fail(error)), reporter, outbox, failed };
}

/** In each machine's turn: a freeze of a command at work is not left, and a command waits until the freeze before it is over. */
function thawInTurn({ runner, journal, hypervisor, config, log, signal }: Parts, machineUuid?: string): void {
  for (const freeze of journal.state.freezes()) {
    if (machineUuid !== undefined && freeze.machineUuid !== machineUuid) continue;
    runner.inTurn(freeze.machineUuid, async () => {
      try {
        await hypervisor.whenConnected(signal);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      await thawLeftFrozen({ journal, hypervisor, stateDir: config.stateDir, log }, freeze.machineUuid);
    });
  }
}

async function thawAgain(parts: Parts): Promise<void> {
  const { signal } = parts;
  while (!signal.aborted) {
    await sleep(THAW_AGAIN_MS, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    if (!signal.aborted) thawInTurn(parts);
  }
}

/** A guest agent that came back is asked to thaw what is still owed to it; and what changed is told. */
function watchMachines(parts: Parts): void {
  const { hypervisor, reporter } = parts;
  hypervisor.onMachineEvent(({ uuid, event }) => {
    if (event === 'agent') thawInTurn(parts, uuid);
    reporter.machineChanged(uuid);
  });
  hypervisor.onConnected(() => {
    void reporter.reportEverything();
  });
}
