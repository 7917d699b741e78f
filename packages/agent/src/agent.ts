/** All wiring of the agent in one place: journal, hypervisor, guests, commands, inventory, session. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentMessage, Hello, Welcomed } from '@coppice/protocol';
import { PROTOCOL_VERSION } from '@coppice/protocol';
import type { Logger } from 'pino';
import { capabilitiesOf } from './capabilities.js';
import { CommandRunner } from './commands/command-runner.js';
import { executeCommand } from './commands/execute-command.js';
import type { AgentConfig } from './config.js';
import { CRASH_VARIABLE, crashAt } from './crash-points.js';
import { GuestFreezer } from './guest/freeze-guest.js';
import { dropEvidenceExcept } from './guest/thaw-evidence.js';
import { thawLeftFrozen } from './guest/thaw-left-frozen.js';
import { LibvirtHypervisor } from './hypervisor/libvirt/libvirt-hypervisor.js';
import { InventoryReporter } from './inventory/inventory-reporter.js';
import { LayerMeasurer } from './inventory/measure-layers.js';
import { Journal } from './journal/journal.js';
import { PoolFolders } from './pools/pool-folders.js';
import { bindHost, proveIdentity, readIdentity } from './session/identity.js';
import { ReportOutbox } from './session/report-outbox.js';
import type { Session, SessionMessage } from './session/session.js';
import { stayConnected } from './session/stay-connected.js';

/** Time that a hello waits for libvirt's versions, in milliseconds: less than HELLO_TIMEOUT_MS. */
const VERSIONS_MS = 8_000;
/** Time that a hello waits for a libvirt that is not connected, in milliseconds: a host without it has to be seen, too. */
const CONNECT_MS = 1_500;
/** Time that a stop waits for commands at work, in milliseconds: whoever stops us waits 10 s or more. What is not done then is gone on with. */
const STOP_MS = 7_000;
/** Time that a thaw which is owed waits for libvirt, in milliseconds; commands wait behind it, and it is asked for again later. */
const OWED_CONNECT_MS = 60_000;
/** How often guests that owe us a thaw are asked again, in milliseconds; their agents' events come in between. */
const THAW_SWEEP_MS = 15_000;

/** What an agent is started with. `version`: of its package. */
export interface AgentOptions {
  readonly config: AgentConfig;
  readonly log: Logger;
  readonly version: string;
  readonly signal: AbortSignal;
  /** Told once the journal is open and the agent is at work, whether or not the API can be reached. */
  readonly ready: () => void;
}

interface Workers {
  readonly journal: Journal;
  readonly hypervisor: LibvirtHypervisor;
  readonly outbox: ReportOutbox;
  readonly runner: CommandRunner;
  readonly reporter: InventoryReporter;
  readonly measurer: LayerMeasurer;
  /** Rejects with what makes it impossible to go on. */
  readonly failed: Promise<never>;
}

type Parts = AgentOptions & Workers;
type CurrentSession = { session: Session | null };

/** Runs until the signal is aborted. Throws what makes it impossible to go on: a journal that cannot be written, a state folder that is held. */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { config, log, signal } = options;
  const journal = await Journal.open(config.stateDir);
  const hypervisor = new LibvirtHypervisor(config.libvirtUri, log);
  const current: CurrentSession = { session: null };
  const parts: Parts = { ...options, ...makeWorkers(options, { journal, hypervisor, current }) };
  const { runner, reporter, failed } = parts;
  const ending = new AbortController();
  try {
    dropEvidenceExcept(config.stateDir, new Set(journal.state.unfinished().map(({ command }) => command.id)));
    watchMachines(parts);
    // A guest that an agent left frozen comes before anything else on its machine.
    thawOwed(parts);
    runner.resume();
    options.ready();
    const session = stayConnected({ apiUrls: config.apiUrls, handlers: handlersOf(parts, current), log, signal: ending.signal });
    const stopped = untilIdle(runner, signal).then(() => ending.abort());
    await Promise.race([Promise.all([session, reporter.sweep(signal), sweepThaws(parts), stopped]), failed]);
  } finally {
    ending.abort();
    await hypervisor.close();
    await journal.close();
  }
}

/** From the stop until nothing is at work, or too long: the session lives until then, so that the outcome is heard. */
async function untilIdle(runner: CommandRunner, signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await Promise.race([runner.idle(), sleep(STOP_MS, undefined, { ref: false })]);
}

function makeWorkers(
  { config, log, signal }: AgentOptions,
  { journal, hypervisor, current }: { journal: Journal; hypervisor: LibvirtHypervisor; current: CurrentSession },
): Workers {
  const { stateDir, libvirtUri, emulatedMemory } = config;
  const settings = { mergeBytesPerSecond: config.mergeBytesPerSecond ?? null, emulatedMemory };
  const tell = (message: AgentMessage) => current.session?.sendLossy(message) ?? false;
  const pools = new PoolFolders(config.pools);
  const freezer = new GuestFreezer({ hypervisor, journal, libvirtUri, stateDir, log });
  const now = () => new Date();
  const outbox = new ReportOutbox(journal.state);
  const reporter = new InventoryReporter({ hypervisor, pools, journal, tell, log, now });
  const measurer = new LayerMeasurer({ pools, tell, log });
  const machineChanged = (uuid: string) => reporter.machineChanged(uuid);
  const crash = crashAt(stateDir, process.env[CRASH_VARIABLE]);
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  const runner = new CommandRunner(
    {
      hypervisor,
      pools,
      freezer,
      stateDir,
      settings,
      log,
      now,
      crash,
      journal,
      execute: executeCommand,
      tell,
      outbox,
      machineChanged,
      signal,
    },
    (error) => fail(error),
  );
  return { journal, hypervisor, outbox, runner, reporter, measurer, failed };
}

/** Asks for every thaw that the journal still owes, of one machine or of all, each in its machine's turn: a freeze at work is not owed. */
function thawOwed({ journal, hypervisor, runner, config, log, signal }: Parts, machineUuid?: string): void {
  for (const freeze of journal.state.freezes()) {
    if (machineUuid !== undefined && freeze.machineUuid !== machineUuid) continue;
    runner.inTurn(freeze.machineUuid, async () => {
      const isConnected = await hypervisor.whenConnected(AbortSignal.any([signal, AbortSignal.timeout(OWED_CONNECT_MS)])).then(
        () => true,
        () => false,
      );
      if (isConnected) await thawLeftFrozen({ journal, hypervisor, stateDir: config.stateDir, log }, freeze.machineUuid);
    });
  }
}

async function sweepThaws(parts: Parts): Promise<void> {
  const { signal, journal } = parts;
  while (!signal.aborted) {
    await sleep(THAW_SWEEP_MS, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    // A command at work sees to its own freeze; a turn that waits behind it would only be one more each time.
    const busy = new Set(journal.state.unfinished().map(({ command }) => command.body.machineUuid));
    for (const { machineUuid } of journal.state.freezes()) if (!busy.has(machineUuid)) thawOwed(parts, machineUuid);
  }
}

/** A guest agent that came back is asked to thaw what is still owed to it; and what changed is told. */
function watchMachines(parts: Parts): void {
  const { hypervisor, reporter } = parts;
  hypervisor.onMachineEvent(({ uuid, event }) => {
    if (event === 'agent') thawOwed(parts, uuid);
    reporter.machineChanged(uuid);
  });
  hypervisor.onConnected(() => {
    void reporter.reportEverything();
  });
}

function handlersOf(parts: Parts, current: CurrentSession) {
  const { journal, outbox, reporter, log } = parts;
  return {
    makeHello: (challenge: { nonce: string }) => makeHello(parts, challenge.nonce),
    onWelcomed: async (welcomed: Welcomed, session: Session) => {
      await bindHost(parts.config.stateDir, welcomed.hostId);
      await acknowledge(journal, welcomed.acknowledgedPosition);
      log.info({ hostId: welcomed.hostId, sessionEpoch: welcomed.sessionEpoch }, 'session open');
      outbox.begin(session);
      current.session = session;
      void reporter.reportEverything();
    },
    onMessage: (message: SessionMessage, session: Session) => hear(parts, message, session),
  };
}

function hear({ journal, outbox, runner, reporter, measurer, log }: Parts, message: SessionMessage, session: Session): void {
  switch (message.type) {
    case 'command.issued':
      runner.receive(message, session.epoch);
      return;
    case 'command.cancel-requested':
      runner.cancel(message.commandId);
      return;
    case 'layers.measure-requested':
      void measurer.answer(message);
      return;
    case 'report.acknowledged':
      acknowledge(journal, message.position).then(
        () => outbox.flush(),
        (error: unknown) => log.error({ err: error }, 'an acknowledgement could not be journalled'),
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
    migrationUri: config.migrationUri ?? null,
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
  const asked = hypervisor.whenConnected(AbortSignal.timeout(CONNECT_MS)).then(() => hypervisor.versions());
  // What is late or refused is not known yet; the next session asks again.
  const known = asked.catch(() => null);
  return Promise.race([known, sleep(VERSIONS_MS, null, { ref: false })]);
}
