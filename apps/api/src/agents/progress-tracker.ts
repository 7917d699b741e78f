import type { AgentMessage } from '@coppice/protocol';
import { findCommand } from '../operations/command.store.js';
import { findOperations, stepsOfOperation } from '../operations/operation.store.js';
import type { OperationProgress, ProgressBus } from '../operations/progress-bus.js';
import type { Database } from '../platform/database.js';
import { volumesOfMachines } from '../volumes/volume.store.js';
import type { AgentSession } from './agent-session.js';

type Progressed = Extract<AgentMessage, { type: 'command.progressed' }>;
type StepState = OperationProgress['steps'][number]['state'];

/** One running command: the operation's steps by kind and disk, and what was heard of them. */
type Tracked = {
  hostId: string;
  operationId: string;
  revision: number;
  steps: { position: number; kind: string; target: string | null; isOwn: boolean; isOver: boolean }[];
  heard: Map<number, StepState>;
  begunAt: number;
};

/** Turns what agents say of the steps inside a command into progress of operations. Lossy, in memory, bounded by the running commands. */
export class ProgressTracker {
  readonly #database: Database;
  readonly #bus: ProgressBus;
  readonly #commands = new Map<string, Tracked>();

  constructor(options: { database: Database; bus: ProgressBus }) {
    this.#database = options.database;
    this.#bus = options.bus;
  }

  /** A step began or ended, or moved bytes. Commands of other hosts than the session's are left out. */
  async heard(session: AgentSession, message: Progressed): Promise<void> {
    const tracked = this.#commands.get(message.commandId) ?? (await this.#read(session.hostId, message.commandId));
    if (!tracked || tracked.hostId !== session.hostId) return;
    const step = tracked.steps.find(
      (one) => one.isOwn && one.kind === message.step && (message.target === null || one.target === null || one.target === message.target),
    );
    if (step) tracked.heard.set(step.position, message.state);
    this.#bus.publish(progressOf(tracked, message));
  }

  /** The command is finished: its outcome says more than its progress did. */
  forget(commandId: string): void {
    this.#commands.delete(commandId);
  }

  async #read(hostId: string, commandId: string): Promise<Tracked | null> {
    const command = await findCommand(this.#database, commandId);
    if (!command || command.hostId !== hostId || command.state === 'FINISHED') return null;
    const [operation] = await findOperations(this.#database, [command.operationId]);
    if (!operation) return null;
    const steps = await stepsOfOperation(this.#database, operation.id);
    const volumes = operation.virtualMachineId ? await volumesOfMachines(this.#database, [operation.virtualMachineId]) : [];
    const targets = new Map(volumes.map((volume) => [volume.id, volume.target]));
    const tracked: Tracked = {
      hostId,
      operationId: operation.id,
      revision: operation.revision,
      steps: steps.map(({ position, kind, volumeId, state }) => ({
        position,
        kind,
        target: volumeId === null ? null : (targets.get(volumeId) ?? null),
        // A program may have many steps of one kind on one disk: a command moves its own.
        isOwn: command.steps.includes(position),
        isOver: state === 'SUCCEEDED',
      })),
      heard: new Map(),
      begunAt: performance.now(),
    };
    this.#commands.set(commandId, tracked);
    return tracked;
  }
}

function progressOf(tracked: Tracked, message: Progressed): OperationProgress {
  const over = tracked.steps.filter((step) => step.isOver || tracked.heard.get(step.position) === 'SUCCEEDED').length;
  const { bytesDone, bytesTotal } = message;
  const seconds = (performance.now() - tracked.begunAt) / 1000;
  const bytesPerSecond = bytesDone !== null && seconds > 0 ? Math.round(bytesDone / seconds) : null;
  const left = bytesDone !== null && bytesTotal !== null ? bytesTotal - bytesDone : null;
  return {
    operationId: tracked.operationId,
    revision: tracked.revision,
    percent: tracked.steps.length === 0 ? 0 : Math.round((over / tracked.steps.length) * 100),
    bytesDone,
    bytesTotal,
    bytesPerSecond,
    etaSeconds: left !== null && bytesPerSecond ? Math.ceil(left / bytesPerSecond) : null,
    steps: [...tracked.heard].map(([position, state]) => ({ position, state })),
  };
}
