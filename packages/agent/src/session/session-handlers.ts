import { type Hello, PROTOCOL_VERSION, type Welcomed } from '@coppice/protocol';
import type { Logger } from 'pino';
import { capabilitiesOf } from '../capabilities.js';
import type { CommandRunner } from '../commands/command-runner.js';
import type { AgentConfig } from '../config.js';
import type { Hypervisor } from '../hypervisor/port.js';
import type { InventoryReporter } from '../inventory/inventory-reporter.js';
import type { Journal } from '../journal/journal.js';
import { bindHost, proveIdentity, readIdentity } from './identity.js';
import type { ReportOutbox } from './report-outbox.js';
import type { Session, SessionHandlers, SessionMessage } from './session.js';

/** Time that a hello waits for libvirt's versions, in milliseconds: less than HELLO_TIMEOUT_MS. */
const VERSIONS_MS = 4_000;

/** What a session speaks for. `current`: the session that is open, for those who tell what may be lost. */
export interface HandlerParts {
  readonly config: AgentConfig;
  readonly log: Logger;
  readonly version: string;
  readonly ready: () => void;
  readonly journal: Journal;
  readonly hypervisor: Hypervisor;
  readonly runner: CommandRunner;
  readonly reporter: InventoryReporter;
  readonly outbox: ReportOutbox;
  readonly current: { session: Session | null };
}

/** What to answer and to do in a session. */
export function sessionHandlers(parts: HandlerParts): SessionHandlers {
  const { config, journal, reporter, outbox, current, log, ready } = parts;
  return {
    makeHello: (challenge) => makeHello(parts, challenge.nonce),
    onWelcomed: async (welcomed: Welcomed, session: Session) => {
      await bindHost(config.stateDir, welcomed.hostId);
      await acknowledge(journal, welcomed.acknowledgedPosition);
      current.session = session;
      log.info({ hostId: welcomed.hostId, sessionEpoch: welcomed.sessionEpoch }, 'session open');
      outbox.begin(session);
      ready();
      void reporter.reportEverything();
    },
    onMessage: (message: SessionMessage, session: Session) => hear(parts, message, session),
  };
}

function hear({ journal, runner, reporter, outbox, log }: HandlerParts, message: SessionMessage, session: Session): void {
  switch (message.type) {
    case 'command.issued':
      runner.receive(message, session.epoch);
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

async function makeHello({ config, journal, hypervisor, version }: HandlerParts, nonce: string): Promise<Hello> {
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
async function versionsOf(hypervisor: Hypervisor): Promise<{ libvirt: string; qemu: string } | null> {
  try {
    await hypervisor.whenConnected(AbortSignal.timeout(VERSIONS_MS));
    return await hypervisor.versions();
  } catch {
    return null;
  }
}
