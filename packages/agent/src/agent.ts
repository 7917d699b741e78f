/** All wiring of the agent in one place: journal, hypervisor, guests, commands, inventory, session. */
import type { AgentMessage, Hello, Welcomed } from '@coppice/protocol';
import { PROTOCOL_VERSION } from '@coppice/protocol';
import type { Logger } from 'pino';
import { capabilitiesOf } from './capabilities.js';
import { CommandRunner } from './commands/command-runner.js';
import type { AgentConfig } from './config.js';
import { CRASH_VARIABLE, crashAt } from './crash-points.js';
import { GuestFreezer } from './guest/freeze-guest.js';
import { thawLeftFrozen } from './guest/thaw-left-frozen.js';
import { LibvirtHypervisor } from './hypervisor/libvirt/libvirt-hypervisor.js';
import { InventoryReporter } from './inventory/inventory-reporter.js';
import { Journal } from './journal/journal.js';
import { PoolFolders } from './pools/pool-folders.js';
import { bindHost, proveIdentity, readIdentity } from './session/identity.js';
import type { Session, SessionMessage } from './session/session.js';
import { stayConnected } from './session/stay-connected.js';

/** Time that a hello waits for libvirt's versions, in milliseconds: less than HELLO_TIMEOUT_MS. */
const VERSIONS_MS = 8_000;

/** What an agent is started with. `version`: of its package. */
export interface AgentOptions {
  readonly config: AgentConfig;
  readonly log: Logger;
  readonly version: string;
  readonly signal: AbortSignal;
  /** Told once the first session is open. */
  readonly ready: () => void;
}

type Parts = AgentOptions & { journal: Journal; hypervisor: LibvirtHypervisor; runner: CommandRunner; reporter: InventoryReporter };

/** Runs until the signal is aborted. Throws what makes it impossible to go on: a journal that cannot be written, a state folder that is held. */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { config, log, signal } = options;
  const journal = await Journal.open(config.stateDir);
  const hypervisor = new LibvirtHypervisor(config.libvirtUri, log);
  const current: { session: Session | null } = { session: null };
  const tell = (message: AgentMessage) => current.session?.sendLossy(message);
  const { runner, reporter, failed } = makeWorkers(options, { journal, hypervisor, tell });
  const parts: Parts = { ...options, journal, hypervisor, runner, reporter };
  watchMachines(parts);
  try {
    const session = stayConnected({ apiUrls: config.apiUrls, handlers: handlersOf(parts, current), log, signal });
    await Promise.race([Promise.all([firstLook(parts), session, reporter.sweep(signal)]), failed]);
  } finally {
    await hypervisor.close();
    await journal.close();
  }
}

function makeWorkers(
  { config, log, signal }: AgentOptions,
  { journal, hypervisor, tell }: { journal: Journal; hypervisor: LibvirtHypervisor; tell: (message: AgentMessage) => void },
): { runner: CommandRunner; reporter: InventoryReporter; failed: Promise<never> } {
  const { stateDir, libvirtUri } = config;
  const pools = new PoolFolders(config.pools);
  const freezer = new GuestFreezer({ hypervisor, journal, libvirtUri, stateDir, log });
  const now = () => new Date();
  const reporter = new InventoryReporter({ hypervisor, pools, journal, tell, log, now });
  const machineChanged = (uuid: string) => reporter.machineChanged(uuid);
  const crash = crashAt(stateDir, process.env[CRASH_VARIABLE]);
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  const runner = new CommandRunner(
    { hypervisor, pools, freezer, stateDir, log, now, crash, journal, tell, machineChanged, signal },
    (error) => fail(error),
  );
  return { runner, reporter, failed };
}

/** Guests that a dead agent left frozen come first; then what it left undone. */
async function firstLook({ journal, hypervisor, runner, config, log, signal }: Parts): Promise<void> {
  try {
    await hypervisor.whenConnected(signal);
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  await thawLeftFrozen({ journal, hypervisor, stateDir: config.stateDir, log });
  runner.resume();
}

/** A guest agent that came back is asked to thaw what is still owed to it; and what changed is told. */
function watchMachines({ hypervisor, journal, reporter, config, log }: Parts): void {
  const thaw = (uuid: string | undefined) => {
    thawLeftFrozen({ journal, hypervisor, stateDir: config.stateDir, log }, uuid).catch((error: unknown) => {
      log.error({ err: error }, 'guests that may be frozen could not be thawed');
    });
  };
  hypervisor.onMachineEvent(({ uuid, event }) => {
    if (event === 'agent' && isIdle(journal, uuid)) thaw(uuid);
    reporter.machineChanged(uuid);
  });
  hypervisor.onConnected(() => {
    void reporter.reportEverything();
  });
}

/** No command is at work on the machine: a freeze that the journal still knows is nobody's. */
function isIdle(journal: Journal, uuid: string): boolean {
  return !journal.state.unfinished().some(({ command }) => command.body.machineUuid === uuid);
}

function handlersOf(parts: Parts, current: { session: Session | null }) {
  const { journal, runner, reporter, log } = parts;
  return {
    makeHello: (challenge: { nonce: string }) => makeHello(parts, challenge.nonce),
    onWelcomed: async (welcomed: Welcomed, session: Session) => {
      current.session = session;
      await bindHost(parts.config.stateDir, welcomed.hostId);
      await acknowledge(journal, welcomed.acknowledgedPosition);
      log.info({ hostId: welcomed.hostId, sessionEpoch: welcomed.sessionEpoch }, 'session open');
      for (const entry of journal.state.unacknowledged()) await session.send(runner.reportOf(entry));
      parts.ready();
      void reporter.reportEverything();
    },
    onMessage: (message: SessionMessage, session: Session) => hear(parts, message, session),
  };
}

function hear({ journal, runner, reporter, log }: Parts, message: SessionMessage, session: Session): void {
  switch (message.type) {
    case 'command.issued':
      runner.receive(message, session.epoch);
      return;
    case 'report.acknowledged':
      acknowledge(journal, message.position).catch((error: unknown) =>
        log.error({ err: error }, 'an acknowledgement could not be journalled'),
      );
      return;
    case 'inventory.requested':
      if (message.machineUuid === null) void reporter.reportEverything();
      else reporter.machineChanged(message.machineUuid);
  }
}

/** Written only where it changes something: a report that comes twice costs one fsync, not two. */
async function acknowledge(journal: Journal, upTo: number): Promise<void> {
  if (journal.state.unacknowledged().some(({ position }) => position <= upTo)) await journal.append({ kind: 'acknowledged', upTo });
}

async function makeHello({ config, journal, hypervisor, version }: Parts, nonce: string): Promise<Hello> {
  const versions = await versionsOf(hypervisor);
  const { state } = journal;
  return {
    type: 'session.hello',
    protocolVersion: PROTOCOL_VERSION,
    identity: proveIdentity(await readIdentity(config.stateDir), nonce, config.enrolmentToken),
    hostName: config.hostName,
    agentVersion: version,
    libvirtVersion: versions?.libvirt ?? 'unknown',
    qemuVersion: versions?.qemu ?? 'unknown',
    capabilities: capabilitiesOf(versions),
    journal: {
      id: state.id,
      position: state.position,
      highestCommand: state.highestCommand,
      unfinished: state.unfinished().map(({ command }) => command.id),
    },
    at: new Date().toISOString(),
  };
}

/** Null where libvirt does not answer in time: the host is there all the same, and its heartbeat says so. */
async function versionsOf(hypervisor: LibvirtHypervisor): Promise<{ libvirt: string; qemu: string } | null> {
  try {
    await hypervisor.whenConnected(AbortSignal.timeout(VERSIONS_MS / 2));
    return await hypervisor.versions();
  } catch {
    return null;
  }
}
