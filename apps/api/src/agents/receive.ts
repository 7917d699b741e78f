/** What becomes of each message of a session. Results count from any session of the host, progress and inventory only from the present one. */
import { setTimeout as pause } from 'node:timers/promises';
import { CloseCode, type CommandFinished, type LayersMeasured } from '@coppice/protocol';
import type { Write } from '../events/write.js';
import { acknowledge } from '../hosts/reports.store.js';
import { recordPools } from '../hosts/pool.store.js';
import { hostOfDomain } from '../machines/inventory.store.js';
import { recordGoneMachines, recordMachine } from '../machines/record-inventory.js';
import type { OperationEngine } from '../operations/operation-engine.js';
import type { Clock } from '../platform/clock.js';
import { databaseFailure } from '../platform/database.js';
import type { Log } from '../platform/log.js';
import type { AgentSession, SessionMessage } from './agent-session.js';
import type { Dispatcher } from './dispatcher.js';
import { DATABASE_RETRY_MS, HANDLING_TRIES } from './limits.js';
import type { ProgressTracker } from './progress-tracker.js';
import type { SessionRegistry } from './session-registry.js';

/** What handling needs. */
type ReceiveOptions = {
  write: Write;
  engine: OperationEngine;
  dispatcher: Dispatcher;
  sessions: SessionRegistry;
  tracker: ProgressTracker;
  /** A host has looked where layers hold data. */
  measured: (hostId: string, message: LayersMeasured) => Promise<void>;
  clock: Clock;
  log: Log;
};

/**
 * Handles one message to its end. While the database is away it is handled again and again, for as long as the session is open. What
 * cannot be handled for another reason is a bug of ours or a broken database: after some tries it is logged and the session is closed,
 * so that a report, which is not acknowledged, comes again in the next one and is never forgotten.
 */
export function createReceive(options: ReceiveOptions): (session: AgentSession, message: SessionMessage) => Promise<void> {
  return async (session, message) => {
    for (let failures = 0; ; ) {
      try {
        await handle(options, session, message);
        return;
      } catch (error) {
        const isAway = databaseFailure(error) === 'LOST';
        failures += isAway ? 0 : 1;
        options.log[isAway ? 'warn' : 'error']({ err: error, hostId: session.hostId, type: message.type }, 'a message of a host waits');
        if (!session.isOpen) return;
        if (failures === HANDLING_TRIES) {
          session.close(CloseCode.UNAVAILABLE, 'a message could not be handled');
          return;
        }
        await pause(DATABASE_RETRY_MS);
      }
    }
  };
}

async function handle(options: ReceiveOptions, session: AgentSession, message: SessionMessage): Promise<void> {
  if (message.type === 'command.finished') {
    await recordFinished(options, session, message);
    return;
  }
  if (options.sessions.of(session.hostId) !== session) return;
  const from = { hostId: session.hostId, hostName: session.hostName, at: options.clock.now() };
  switch (message.type) {
    case 'command.accepted':
      return;
    case 'command.progressed':
      await options.tracker.heard(session, message);
      return;
    case 'layers.measured':
      await options.measured(session.hostId, message);
      return;
    case 'inventory.pools-seen': {
      const areNew = await options.write((transaction) => recordPools(transaction, from, message.pools));
      if (areNew) session.send({ type: 'inventory.requested', machineUuid: null });
      return;
    }
    case 'inventory.machine-seen':
      await options.write((transaction) =>
        recordMachine(transaction, from, { machine: message.machine, position: BigInt(message.position) }),
      );
      return;
    case 'inventory.completed': {
      const list = { machineUuids: message.machineUuids, position: BigInt(message.position) };
      const gone = await options.write((transaction) => recordGoneMachines(transaction, from, list));
      if (gone.length > 0) lookFor(options, session, gone);
    }
  }
}

/** The host looks once more; and the others say what they have, since a machine that is gone from one may have come to another. */
function lookFor({ sessions }: ReceiveOptions, session: AgentSession, machineUuids: readonly string[]): void {
  for (const machineUuid of machineUuids) session.send({ type: 'inventory.requested', machineUuid });
  for (const other of sessions.all()) {
    if (other !== session) other.send({ type: 'inventory.requested', machineUuid: null });
  }
}

/** One transaction: the outcome by compare-and-set, its transitions, the next command, and how far the journal is recorded. Then the ack. */
async function recordFinished(options: ReceiveOptions, session: AgentSession, message: CommandFinished): Promise<void> {
  const { hostId } = session;
  const { commandId, outcome } = message;
  const position = BigInt(message.position);
  const recorded = await options.write(async (transaction) => {
    const answer = await options.engine.record(transaction, { hostId, commandId, position, outcome, at: options.clock.now() });
    await acknowledge(transaction, hostId, position);
    const endedMachineUuid = answer.kind === 'unknown' ? null : answer.endedMachineUuid;
    return { kind: answer.kind, endedMachineUuid, hostNow: endedMachineUuid && (await hostOfDomain(transaction, endedMachineUuid)) };
  });
  session.given.delete(commandId);
  options.tracker.forget(commandId);
  session.send({ type: 'report.acknowledged', position: message.position });
  if (recorded.kind === 'unknown')
    options.log.warn({ hostId, commandId }, 'a host reported a command that is not recorded; nothing was done');
  // What changed on the machine while its inventory was ignored is not lost: it is looked at once more.
  if (recorded.endedMachineUuid) {
    const now = recorded.hostNow === hostId ? session : options.sessions.of(recorded.hostNow ?? hostId);
    now?.send({ type: 'inventory.requested', machineUuid: recorded.endedMachineUuid });
  }
  options.dispatcher.nudgeHost(hostId);
}
