/**
 * An agent's own session, journal, runner and outbox over a host, a disk and a network in memory: it dies between any two steps, torn records
 * and all, and starts again with what its journal says.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { CommandContext } from '@coppice/agent/commands/context.js';
import { CommandRunner } from '@coppice/agent/commands/command-runner.js';
import { CommandCancelled, CommandProblem, HypervisorLost } from '@coppice/agent/failure.js';
import { Journal } from '@coppice/agent/journal/journal.js';
import { ReportOutbox } from '@coppice/agent/session/report-outbox.js';
import type { Session, SessionMessage } from '@coppice/agent/session/session.js';
import { stayConnected } from '@coppice/agent/session/stay-connected.js';
import { createLog } from '@coppice/api/platform/log.js';
import type { AgentMessage, CommandResult, Welcomed } from '@coppice/protocol';
import type { Seeded } from './seeded.js';
import { helloOf } from './simulated-hello.js';
import { never } from './never.js';
import { filesOf } from './trace.js';
import { VirtualDisk } from './virtual-disk.js';
import { HostRefusal, Violation, type VirtualHost } from './virtual-host.js';
import type { VirtualSocket } from './virtual-network.js';
import type { VirtualMachine } from './virtual-machine.js';
import type { Weather } from './weather.js';

const LOG = createLog('silent');
/** How soon a change of a machine is told, in milliseconds. */
const CHANGED_MS = 300;

/** One life of the agent: between a start and a death. */
type Life = {
  journal: Journal;
  runner: CommandRunner;
  outbox: ReportOutbox;
  end: AbortController;
  session: Session | null;
  looking: Promise<void>;
};

export type SimulatedAgentOptions = {
  name: string;
  host: VirtualHost;
  chance: Seeded;
  weather: Weather;
  token: string;
  /** Addresses of the replicas, and how one is dialled. */
  urls: readonly string[];
  dial: (url: string) => VirtualSocket;
  guestWrites: () => void;
  note: (line: string) => void;
};

/** An agent with the product’s own journal and runner, on a host and a network that are pretended, that dies where its faults say. */
export class SimulatedAgent {
  readonly violations: unknown[] = [];
  commands = 0;
  readonly #options: SimulatedAgentOptions;
  readonly #disk: VirtualDisk;
  readonly #sockets = new Set<VirtualSocket>();
  #hostId: string | null = null;
  #end = new AbortController();
  #life: Life | null = null;

  constructor(options: SimulatedAgentOptions) {
    this.#options = options;
    this.#disk = new VirtualDisk(options.chance);
  }

  /** It lives, and has a session. */
  get isConnected(): boolean {
    return this.#life?.session?.isOpen ?? false;
  }

  /** Begins a life. */
  start(): void {
    const end = new AbortController();
    this.#end = end;
    this.#live(end).catch((error: unknown) => {
      if (!end.signal.aborted) this.violations.push(error);
    });
  }

  /** What the host has, as agents tell it: one machine, or all. The journal's position is read before the look, which takes its time. */
  sendInventory(only: string | null = null): Promise<void> {
    const life = this.#life;
    if (!life) return Promise.resolve();
    // One look at a time, so that a later look is never told before an earlier one.
    life.looking = life.looking.then(() => this.#look(life, only));
    return life.looking;
  }

  async #look(life: Life, only: string | null): Promise<void> {
    const { host, chance } = this.#options;
    const { position } = life.journal.state;
    const say = (message: AgentMessage) => life.session?.sendLossy(message);
    const pool = { name: 'pool', type: 'SHARED_MOUNT_POINT' as const, capacityBytes: 1e12, availableBytes: 5e11, problem: null };
    if (only === null) say({ type: 'inventory.pools-seen', pools: [pool] });
    const machines = [...host.machines.values()].filter((machine) => only === null || machine.uuid === only);
    for (const machine of machines) await this.#tellMachine(machine, { position, say });
    await pause(chance.below(3));
    if (only === null) say({ type: 'inventory.completed', position, machineUuids: [...host.machines.keys()] });
  }

  async #tellMachine(machine: VirtualMachine, told: { position: number; say: (message: AgentMessage) => void }): Promise<void> {
    const takenAt = new Date().toISOString();
    await pause(this.#options.chance.below(5));
    const seen = machine.inventory();
    await pause(this.#options.chance.below(5));
    this.#options.note(`${machine.name} seen ${seen.power} at ${told.position}`);
    told.say({ type: 'inventory.machine-seen', position: told.position, takenAt, machine: seen });
  }

  async #live(end: AbortController): Promise<void> {
    const { name, token, chance, urls, dial, note } = this.#options;
    note(`${name} lives`);
    const disk = this.#disk.mounted(() => this.#write(end.signal));
    const journal = await Journal.open(`/${name}`, { disk, compactFromBytes: 20_000 });
    const outbox = new ReportOutbox(journal.state);
    const life: Life = {
      journal,
      outbox,
      end,
      session: null,
      looking: Promise.resolve(),
      runner: this.#runner(journal, outbox, end.signal),
    };
    this.#life = life;
    life.runner.resume();
    const connect = (url: string) => {
      note(`${name} dials ${url}`);
      const socket = dial(url);
      this.#sockets.add(socket);
      socket.on('close', (code, reason) => {
        note(`${name} is cut off: ${code} ${String(reason)}`);
        this.#sockets.delete(socket);
      });
      return socket.asWebSocket();
    };
    const handlers = {
      makeHello: ({ nonce }: { nonce: string }) => helloOf({ name, token, hostId: this.#hostId, journal: journal.state }, nonce),
      onWelcomed: (welcomed: Welcomed, session: Session) => this.#welcomed(life, welcomed, session),
      onMessage: (message: SessionMessage, session: Session) => this.#hear(life, message, session),
    };
    await stayConnected({ apiUrls: urls, handlers, log: LOG, signal: end.signal, connect, chance: () => chance.next() });
  }

  /** Every write of the journal takes its time, and may be the last. */
  async #write(signal: AbortSignal): Promise<void> {
    const { chance, weather } = this.#options;
    if (signal.aborted) return never();
    if (weather.strikes('deathEvery')) return this.#die();
    if (chance.once(4)) await pause(chance.below(4));
    if (signal.aborted) return never();
  }

  #runner(journal: Journal, outbox: ReportOutbox, signal: AbortSignal): CommandRunner {
    const unused = () => {
      throw new Violation('the host in memory has no such part');
    };
    const tell = (message: AgentMessage) => this.#life?.session?.sendLossy(message);
    return new CommandRunner(
      {
        hypervisor: { ...nothing(unused), whenConnected: (given) => this.#connected(given, signal) },
        pools: nothing(unused),
        freezer: nothing(unused),
        stateDir: '/nowhere',
        log: LOG,
        now: () => new Date(),
        settings: { mergeBytesPerSecond: null, emulatedMemory: 'HELD' },
        crash: () => undefined,
        journal,
        execute: (context) => this.#execute(context, signal),
        tell,
        outbox,
        machineChanged: (uuid) => setTimeout(() => void this.sendInventory(uuid), this.#options.chance.below(CHANGED_MS)),
        signal,
      },
      (error) => {
        if (!signal.aborted) this.violations.push(error);
      },
    );
  }

  /** It is there whenever it is asked for; whoever asks too late is told so. */
  #connected(given: AbortSignal, end: AbortSignal): Promise<void> {
    if (end.aborted) return never();
    return given.aborted ? Promise.reject(new Error('too late', { cause: given.reason })) : Promise.resolve();
  }

  async #execute(context: CommandContext, signal: AbortSignal): Promise<CommandResult> {
    const { host, note } = this.#options;
    const { command, isRepeat } = context;
    this.commands += 1;
    note(`${this.#options.name} ${command.body.verb} ${command.number}${isRepeat ? ' again' : ''}: ${filesOf(command.body)}`);
    let steps = 0;
    try {
      const result = await host.execute(command, (left = 'NOTHING') => this.#step(context, { left, isFirst: (steps += 1) === 1, signal }));
      note(`${this.#options.name} did ${command.number}`);
      return result;
    } catch (error) {
      note(`${this.#options.name} failed ${command.number}: ${String(error)}`);
      if (error instanceof Violation) this.violations.push(error);
      // A storage daemon of a command that ended so is dead as well.
      host.pool.unlock(command.id);
      if (error instanceof HostRefusal) throw new CommandProblem({ code: 'MACHINE_STATE', message: error.message, retryable: true });
      throw error;
    }
  }

  /** Between two steps of a command: guests write, time passes, and what can go wrong may. */
  async #step(context: CommandContext, at: { left: 'NOTHING' | 'SPOILED'; isFirst: boolean; signal: AbortSignal }): Promise<void> {
    const { guestWrites, weather, chance } = this.#options;
    const { left, isFirst, signal } = at;
    guestWrites();
    if (signal.aborted) return never();
    if (weather.strikes('deathEvery')) return this.#die();
    if (chance.once(3)) await pause(chance.below(15));
    if (signal.aborted) return never();
    if (weather.strikes('hypervisorEvery')) throw new HypervisorLost('libvirt went away');
    // In a repeat, nobody knows at the first step what an earlier try has done.
    const isKnown = !context.isRepeat || left === 'SPOILED';
    if (context.cancelled.aborted && isKnown && context.command.body.verb === 'merge-layers') throw new CommandCancelled(left);
    // The first step of a command is before anything was touched: only there may a host say no without saying what is left.
    if (isKnown && (isFirst || left === 'SPOILED') && weather.strikes('failureEvery')) {
      throw new CommandProblem({ code: 'IO_ERROR', message: 'The simulated disk failed.', retryable: true, left });
    }
    guestWrites();
  }

  /** Dies here and is started again later; whoever awaits this does not go on. */
  #die(): Promise<never> {
    const { host, chance, note, name } = this.#options;
    note(`${name} dies`);
    this.#life = null;
    for (const socket of this.#sockets) socket.terminate();
    this.#sockets.clear();
    this.#end.abort();
    this.#disk.tear();
    host.pool.locked.clear();
    // Mostly it is back at once; sometimes what it should do has expired meanwhile.
    const awayMs = chance.once(150) ? 400_000 : chance.below(3_000);
    setTimeout(() => this.start(), awayMs);
    return never();
  }

  async #welcomed(life: Life, welcomed: Welcomed, session: Session): Promise<void> {
    this.#hostId = welcomed.hostId;
    await acknowledge(life.journal, welcomed.acknowledgedPosition);
    const { weather } = this.#options;
    life.outbox.begin({
      send: (report) => {
        if (weather.strikes('doubleEvery')) void session.send(report);
        return session.send(report);
      },
    });
    life.session = session;
    void this.sendInventory();
  }

  #hear(life: Life, message: SessionMessage, session: Session): void {
    if (life !== this.#life) return;
    const { weather, chance, host } = this.#options;
    switch (message.type) {
      case 'command.issued':
        life.runner.receive(message, session.epoch);
        if (weather.strikes('doubleEvery')) life.runner.receive(message, session.epoch);
        return;
      case 'command.cancel-requested':
        life.runner.cancel(message.commandId);
        return;
      case 'report.acknowledged':
        void acknowledge(life.journal, message.position).then(() => life.outbox.flush());
        return;
      case 'inventory.requested':
        void this.sendInventory(message.machineUuid);
        return;
      case 'layers.measure-requested':
        void pause(chance.below(40)).then(() => {
          const layers = message.layers.flatMap(({ pool, fileName }) => {
            const measured = host.pool.measured(fileName);
            return measured ? [{ pool, fileName, ...measured }] : [];
          });
          return session.sendLossy({ type: 'layers.measured', requestId: message.requestId, layers });
        });
    }
  }
}

/** As the agent does: written only where it changes something. */
async function acknowledge(journal: Journal, upTo: number): Promise<void> {
  if (journal.state.unacknowledged().some(({ position }) => position <= upTo)) await journal.append({ kind: 'acknowledged', upTo });
}

/** Something of any type that fails when it is used. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what it stands for.
function nothing<T extends object>(unused: () => never): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every use of it throws.
  return new Proxy({}, { get: unused }) as T;
}
