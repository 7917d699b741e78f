/**
 * The agent's own journal, runner and outbox over a host in memory and a bad network: messages come late and twice, the connection breaks,
 * the agent dies between any two steps and starts again with what its journal says. By chance that can be had again.
 */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandContext } from '@coppice/agent/commands/context.js';
import { CommandRunner } from '@coppice/agent/commands/command-runner.js';
import { CommandCancelled, CommandProblem } from '@coppice/agent/failure.js';
import { Journal } from '@coppice/agent/journal/journal.js';
import { ReportOutbox } from '@coppice/agent/session/report-outbox.js';
import {
  type AgentMessage,
  type ApiMessage,
  type CommandResult,
  encodeMessage,
  type Hello,
  parseApiMessage,
  PROTOCOL_VERSION,
  signedText,
} from '@coppice/protocol';
import { createLog } from '@coppice/api/platform/log.js';
import { WebSocket } from 'ws';
import type { Seeded } from './seeded.js';
import { HostRefusal, Violation, type VirtualHost } from './virtual-host.js';

/** How often things go wrong: once in so many chances. */
export type Faults = { deathEvery: number; cutEvery: number; doubleEvery: number; failureEvery: number };

/** Thrown where the agent is dead: nothing may happen after it. */
class Died extends Error {}

/** One life of the agent: between a start and a death. */
type Life = { journal: Journal; runner: CommandRunner; outbox: ReportOutbox; end: AbortController };

export type SimulatedAgentOptions = { name: string; host: VirtualHost; chance: Seeded; faults: Faults; guestWrites: () => void };

/** An agent with the product’s own journal and runner, on a host and a network that are pretended, that dies where its faults say. */
export class SimulatedAgent {
  readonly violations: unknown[] = [];
  readonly counts = { deaths: 0, cuts: 0, commands: 0 };
  hostId: string | null = null;
  readonly #options: SimulatedAgentOptions;
  readonly #key = generateKeyPairSync('ed25519');
  #url = '';
  #token: string | null = null;
  #stateDir = '';
  #life: Life | null = null;
  #socket: WebSocket | null = null;
  #sessionEpoch = 0;
  #isOver = false;
  #sending: Promise<void> = Promise.resolve();
  #calm = false;

  constructor(options: SimulatedAgentOptions) {
    this.#options = options;
  }

  async enrol(url: string, token: string): Promise<void> {
    this.#stateDir = await mkdtemp(join(tmpdir(), 'coppice-simulated-'));
    this.#token = token;
    this.#url = url;
    await this.#live();
    this.#connect();
  }

  /** From here on nothing goes wrong any more: what is under way can end. */
  calmDown(): void {
    this.#calm = true;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    this.#socket?.terminate();
    this.#life?.end.abort();
    await this.#life?.runner.idle();
    await this.#life?.journal.close();
    await rm(this.#stateDir, { recursive: true, force: true });
  }

  /** Everything that the host has, as agents tell it. */
  sendInventory(): void {
    const { host } = this.#options;
    const position = this.#life?.journal.state.position ?? 0;
    const pool = { name: 'pool', type: 'SHARED_MOUNT_POINT' as const, capacityBytes: 1e12, availableBytes: 5e11, problem: null };
    this.#say({ type: 'inventory.pools-seen', pools: [pool] });
    for (const machine of host.machines.values()) {
      this.#say({ type: 'inventory.machine-seen', position, takenAt: new Date().toISOString(), machine: machine.inventory() });
    }
    this.#say({ type: 'inventory.completed', position, machineUuids: [...host.machines.keys()] });
  }

  #happens(every: number): boolean {
    return !this.#calm && every > 0 && this.#options.chance.once(every);
  }

  async #live(): Promise<void> {
    const journal = await Journal.open(this.#stateDir);
    const end = new AbortController();
    const outbox = new ReportOutbox(journal.state);
    const unused = () => {
      throw new Violation('the host in memory has no such part');
    };
    const runner = new CommandRunner(
      {
        hypervisor: { ...nothing(unused), whenConnected: (signal) => (signal.aborted ? Promise.reject(new Died()) : Promise.resolve()) },
        pools: nothing(unused),
        freezer: nothing(unused),
        stateDir: this.#stateDir,
        log: createLog('silent'),
        now: () => new Date(),
        settings: { mergeBytesPerSecond: null, emulatedMigration: 'HELD' },
        crash: () => undefined,
        journal,
        execute: (context) => this.#execute(context, end.signal),
        tell: (message) => this.#say(message),
        outbox,
        machineChanged: () => undefined,
        signal: end.signal,
      },
      (error) => {
        if (!end.signal.aborted) this.violations.push(error);
      },
    );
    this.#life = { journal, runner, outbox, end };
    runner.resume();
  }

  async #execute(context: CommandContext, signal: AbortSignal): Promise<CommandResult> {
    const { host, guestWrites, faults } = this.#options;
    this.counts.commands += 1;
    let steps = 0;
    try {
      return await host.execute(context.command, async (left = 'NOTHING') => {
        steps += 1;
        guestWrites();
        if (signal.aborted) throw new Died();
        if (this.#happens(faults.deathEvery)) await this.#die();
        // In a repeat, nobody knows at the first step what an earlier life has done.
        const isKnown = !context.isRepeat || left === 'SPOILED';
        if (context.cancelled.aborted && isKnown && context.command.body.verb === 'merge-layers') throw new CommandCancelled(left);
        // The first pause of a command is before anything was touched: only there may a host say no without saying what is left.
        if (isKnown && (steps === 1 || left === 'SPOILED') && this.#happens(faults.failureEvery)) {
          throw new CommandProblem({ code: 'IO_ERROR', message: 'The simulated disk failed.', retryable: true, left });
        }
        await Promise.resolve();
      });
    } catch (error) {
      if (error instanceof Violation) this.violations.push(error);
      // A dead agent's storage daemon is dead as well; so is one that was stopped.
      host.pool.locked.clear();
      if (error instanceof HostRefusal) throw new CommandProblem({ code: 'MACHINE_STATE', message: error.message, retryable: true });
      throw error;
    }
  }

  /** Dies here and is started again a little later; whoever awaits this does not go on. */
  async #die(): Promise<never> {
    this.counts.deaths += 1;
    const life = this.#life;
    life?.end.abort();
    this.#socket?.terminate();
    void this.#revive(life);
    throw new Died();
  }

  async #revive(life: Life | null): Promise<void> {
    await life?.runner.idle();
    await life?.journal.close();
    if (this.#isOver) return;
    await this.#live();
    this.#connect();
  }

  #connect(): void {
    if (this.#isOver) return;
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    const life = this.#life;
    socket.on('message', (data: Buffer) => {
      const parsed = parseApiMessage(data.toString());
      if (!parsed.ok) {
        this.violations.push(new Violation(parsed.problem));
        return;
      }
      this.#receive(socket, parsed.message);
      if (parsed.message.type === 'command.issued' && this.#happens(this.#options.faults.doubleEvery))
        this.#receive(socket, parsed.message);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      // A new life connects by itself.
      if (this.#life === life && !this.#isOver) setTimeout(() => this.#life === life && this.#connect(), 5);
    });
  }

  #receive(socket: WebSocket, message: ApiMessage): void {
    const life = this.#life;
    if (!life || life.end.signal.aborted || socket !== this.#socket) return;
    switch (message.type) {
      case 'session.challenged':
        this.#say(this.#hello(life, message.nonce));
        return;
      case 'session.welcomed':
        this.hostId = message.hostId;
        this.#sessionEpoch = message.sessionEpoch;
        void life.journal.append({ kind: 'acknowledged', upTo: message.acknowledgedPosition }).catch(() => undefined);
        life.outbox.begin({ send: (report) => this.#report(report) });
        this.sendInventory();
        return;
      case 'session.refused':
        this.violations.push(new Violation(`refused: ${message.message}`));
        return;
      case 'session.heartbeat':
        this.#say({ type: 'session.heartbeat', at: new Date().toISOString() });
        return;
      case 'command.issued':
        life.runner.receive(message, this.#sessionEpoch);
        if (this.#happens(this.#options.faults.cutEvery)) this.#cut();
        return;
      case 'command.cancel-requested':
        life.runner.cancel(message.commandId);
        return;
      case 'report.acknowledged':
        void life.journal
          .append({ kind: 'acknowledged', upTo: message.position })
          .then(() => life.outbox.flush())
          .catch(() => undefined);
        return;
      case 'inventory.requested':
        this.sendInventory();
        return;
      case 'layers.measure-requested':
        this.#say({ type: 'layers.measured', requestId: message.requestId, layers: [] });
    }
  }

  #report(message: AgentMessage): Promise<boolean> {
    this.#say(message);
    if (this.#happens(this.#options.faults.doubleEvery)) this.#say(message);
    if (this.#happens(this.#options.faults.cutEvery)) this.#cut();
    return Promise.resolve(true);
  }

  #cut(): void {
    this.counts.cuts += 1;
    this.#socket?.terminate();
  }

  /** In order, some of them late. */
  #say(message: AgentMessage): void {
    const socket = this.#socket;
    const lateMs = this.#happens(8) ? this.#options.chance.below(4) : 0;
    this.#sending = this.#sending.then(async () => {
      if (lateMs > 0) await sleep(lateMs);
      if (socket?.readyState === WebSocket.OPEN) socket.send(encodeMessage(message));
    });
  }

  #hello({ journal }: Life, nonce: string): Hello {
    const { state } = journal;
    return {
      type: 'session.hello',
      protocolVersion: PROTOCOL_VERSION,
      identity: this.#identity(nonce),
      hostName: this.#options.name,
      agentVersion: '0.1.0',
      libvirtVersion: '9.0.0',
      qemuVersion: '7.2.22',
      capabilities: [],
      migrationUri: null,
      journal: {
        id: state.id,
        position: state.position,
        highestCommand: state.highestCommand,
        unfinished: state.unfinished().map(({ command }) => command.id),
      },
      at: new Date().toISOString(),
    };
  }

  #identity(nonce: string): Hello['identity'] {
    const signed = (subject: string) => sign(null, Buffer.from(signedText(nonce, subject)), this.#key.privateKey).toString('base64');
    if (this.hostId !== null) return { kind: 'known', hostId: this.hostId, signature: signed(this.hostId) };
    const token = this.#token ?? '';
    const publicKey = this.#key.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    return { kind: 'enrol', token, publicKey, signature: signed(createHash('sha256').update(token).digest('hex')) };
  }
}

/** Something of any type that fails when it is used. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what it stands for.
function nothing<T extends object>(unused: () => never): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every use of it throws.
  return new Proxy({}, { get: unused }) as T;
}
