/** All wiring of the agent in one place: journal, hypervisor, guests, commands, inventory, session. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentMessage, Hello, Welcomed } from '@coppice/protocol';
import { PROTOCOL_VERSION } from '@coppice/protocol';
import type { Logger } from 'pino';
import { capabilitiesOf } from './capabilities.js';
import { CommandRunner } from './commands/command-runner.js';
import type { AgentConfig } from './config.js';
import { CRASH_VARIABLE, crashAt } from './crash-points.js';
import { GuestFreezer } from './guest/freeze-guest.js';
import { LeftFrozen } from './guest/left-frozen.js';
import { LibvirtHypervisor } from './hypervisor/libvirt/libvirt-hypervisor.js';
import { InventoryReporter } from './inventory/inventory-reporter.js';
import { Journal } from './journal/journal.js';
import { PoolFolders } from './pools/pool-folders.js';
import { bindHost, proveIdentity, readIdentity } from './session/identity.js';
import { ReportOutbox } from './session/report-outbox.js';
import type { Session, SessionMessage } from './session/session.js';
import { stayConnected } from './session/stay-connected.js';

/** Time that a hello waits for libvirt's versions, in milliseconds: less than HELLO_TIMEOUT_MS. */
const VERSIONS_MS = 8_000;
/** Time that commands at work get when the agent is told to stop, in milliseconds; what is not done then goes on at the next start. */
const DRAIN_MS = 7_000;

/** What an agent is started with. `version`: of its package. `signal`: stop, in order. */
export interface AgentOptions {
  readonly config: AgentConfig;
  readonly log: Logger;
  readonly version: string;
  readonly signal: AbortSignal;
  /** Told once: the journal is open and everything is at work. Neither the API nor libvirt needs to be there for that. */
  readonly ready: () => void;
}

type Parts = AgentOptions & {
  readonly journal: Journal;
  readonly hypervisor: LibvirtHypervisor;
  readonly runner: CommandRunner;
  readonly reporter: InventoryReporter;
  readonly leftFrozen: LeftFrozen;
  readonly outbox: ReportOutbox;
  /** The session that is open, or was last. */
  readonly current: { session: Session | null };
};

/** Runs until the signal is aborted. Throws what makes it impossible to go on: a journal that cannot be written, a rule of ours that is broken. */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { config, log, signal, ready } = options;
  const journal = await Journal.open(config.stateDir);
  const { parts, failed } = makeParts(options, journal);
  const { hypervisor, runner, reporter, leftFrozen } = parts;
  // In this order, and before the first session: guests that a dead agent left frozen, what it left undone, what is new.
  leftFrozen.begin();
  runner.resume();
  watchMachines(parts);
  hypervisor.start();
  ready();
  const ending = new AbortController();
  try {
    const session = stayConnected({ apiUrls: config.apiUrls, handlers: handlersOf(parts), log, signal: ending.signal });
    const drained = untilStopped(signal)
      .then(() => Promise.race([runner.idle(), sleep(DRAIN_MS, undefined, { ref: false })]))
      .then(() => ending.abort());
    await Promise.race([Promise.all([session, reporter.sweep(ending.signal), leftFrozen.tryAgain(ending.signal), drained]), failed]);
  } finally {
    ending.abort();
    await hypervisor.close();
    await journal.close();
  }
}

function makeParts(options: AgentOptions, journal: Journal): { parts: Parts; failed: Promise<never> } {
  const { config, log, signal } = options;
  const { stateDir, libvirtUri } = config;
  const now = () => new Date();
  const current: Parts['current'] = { session: null };
  const tell = (message: AgentMessage) => current.session?.sendLossy(message) ?? false;
  const hypervisor = new LibvirtHypervisor(libvirtUri, log);
  const pools = new PoolFolders(config.pools);
  const outbox = new ReportOutbox(journal.state);
  const freezer = new GuestFreezer({ hypervisor, journal, libvirtUri, stateDir, log });
  const reporter = new InventoryReporter({ hypervisor, pools, journal, tell, log, now });
  const machineChanged = (uuid: string) => reporter.machineChanged(uuid);
  const crash = crashAt(stateDir, process.env[CRASH_VARIABLE]);
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  const runner = new CommandRunner(
    { hypervisor, pools, freezer, stateDir, log, now, crash, journal, outbox, tell, machineChanged, signal },
    fail,
  );
  const inTurn = (uuid: string, work: () => Promise<void>) => runner.inTurn(uuid, work);
  const leftFrozen = new LeftFrozen({ hypervisor, journal, stateDir, log, inTurn, signal });
  return { parts: { ...options, journal, hypervisor, runner, reporter, leftFrozen, outbox, current }, failed };
}

function untilStopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** A guest agent that came back is asked to thaw what is still owed to it; and what changed is told. */
function watchMachines({ hypervisor, reporter, leftFrozen }: Parts): void {
  hypervisor.onMachineEvent(({ uuid, event }) => {
    if (event === 'agent') leftFrozen.thaw(uuid);
    reporter.machineChanged(uuid);
  });
  hypervisor.onConnected(() => {
    leftFrozen.thaw();
    void reporter.reportEverything();
  });
}

function handlersOf(parts: Parts) {
  const { config, journal, reporter, outbox, current, log } = parts;
  return {
    makeHello: (challenge: { nonce: string }) => makeHello(parts, challenge.nonce),
    onWelcomed: async (welcomed: Welcomed, session: Session) => {
      // At once: what comes right behind the welcome is of this session.
      current.session = session;
      await bindHost(config.stateDir, welcomed.hostId);
      await acknowledge(journal, welcomed.acknowledgedPosition);
      log.info({ hostId: welcomed.hostId, sessionEpoch: welcomed.sessionEpoch }, 'session open');
      outbox.begin(session);
      void reporter.reportEverything();
    },
    onMessage: (message: SessionMessage, session: Session) => {
      if (session === current.session) hear(parts, message, session);
    },
  };
}

function hear({ journal, runner, reporter, outbox, log }: Parts, message: SessionMessage, session: Session): void {
  switch (message.type) {
    case 'command.issued':
      runner.receive(message, session.epoch);
      return;
    case 'report.acknowledged':
      acknowledge(journal, message.position)
        .then(() => outbox.flush())
        .catch((error: unknown) => log.error({ err: error }, 'an acknowledgement could not be journalled'));
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
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), VERSIONS_MS).unref());
  const asked = hypervisor.whenConnected(AbortSignal.timeout(VERSIONS_MS)).then(() => hypervisor.versions());
  return Promise.race([late, asked.catch(() => null)]);
}
