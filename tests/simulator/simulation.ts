/**
 * One schedule: a record, replicas of the API and hosts in memory whose agents die, are cut off and fail; machines that are snapshotted,
 * reverted, branched, deleted, cancelled, retried, stopped and started at once, all by one seed, in the time of the schedule. Whatever happened,
 * afterwards every READY snapshot reads what its machine had on its disks in the moment that it was taken, every file is known and every
 * record has its file.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Core } from '@coppice/api/core.js';
import type { Principal } from '@coppice/api/access/principal.js';
import { databaseFailure } from '@coppice/api/platform/database.js';
import { newId } from '@coppice/api/platform/ids.js';
import { valueOf } from '../dispatch/installation.js';
import { chooseAction } from './actions.js';
import { type Connection, MemoryRecord } from './record/record.js';
import { historyOf, problemsOf } from './record-check.js';
import { Replicas } from './replicas.js';
import { Seeded } from './seeded.js';
import { SimulatedAgent } from './simulated-agent.js';
import { Trace } from './trace.js';
import { VirtualHost } from './virtual-host.js';
import { VirtualMachine } from './virtual-machine.js';
import { VirtualPool } from './virtual-pool.js';
import { VirtualProcess } from './virtual-process.js';
import { type Faults, Weather } from './weather.js';

/** No schedule takes so long in its own time, in milliseconds: what is not done then never will be. */
const LONGEST_MS = 6 * 3_600_000;
/** How long something is waited for: longer than the longest pause of what the system does by itself. */
const PATIENCE_MS = 25 * 60_000;

export type Schedule = {
  seed: number;
  replicas: number;
  hosts: number;
  machinesPerHost: number;
  rounds: number;
  faults: Faults;
  /** A transaction was committed. */
  committed?: (record: MemoryRecord) => void;
};

/** What a schedule came to. `problems` names what is wrong; it is empty, or there is a bug. */
export type Report = {
  problems: string[];
  started: number;
  refused: number;
  unheard: number;
  commands: number;
  statements: number;
  faults: Weather['counts'];
  /** Of its own time, in milliseconds. */
  tookMs: number;
  digest: string;
  trace: readonly string[];
};

/** A machine on a host, known to the API. */
export type SimulatedMachine = { id: string; machine: VirtualMachine; host: VirtualHost; agent: SimulatedAgent };

/** What an action needs. */
export type Stage = { database: Connection['database']; ask: Ask; owner: Principal; chance: Seeded; known: SimulatedMachine };

/** Asks some living replica; null where no answer came, so that nobody knows whether it was done. */
type Ask = <T>(question: (core: Core) => Promise<T>) => Promise<T | null>;

/** Runs it from an empty record to its end. */
export async function runSchedule(schedule: Schedule): Promise<Report> {
  const chance = new Seeded(schedule.seed);
  const virtual = new VirtualProcess(chance.branch());
  const trace = new Trace(() => virtual.nowMs);
  return virtual.run(async () => {
    const simulation = new Simulation(schedule, chance, trace);
    const report = await simulation.run();
    return { ...report, tookMs: virtual.nowMs, digest: trace.digest(), trace: trace.lines };
  }, LONGEST_MS);
}

class Simulation {
  readonly #agents: SimulatedAgent[] = [];
  readonly #weather: Weather;
  readonly #record: MemoryRecord;
  readonly #replicas: Replicas;
  /** Sees the record without any trouble. */
  readonly #database: Connection['database'];
  readonly #counts = { started: 0, refused: 0, unheard: 0 };
  #project = '';
  #lastNumber = 0;

  constructor(
    private readonly schedule: Schedule,
    private readonly chance: Seeded,
    private readonly trace: Trace,
  ) {
    this.#weather = new Weather(chance.branch(), schedule.faults);
    const note = (line: string) => trace.note(line);
    const committed = (record: MemoryRecord) => {
      note(`commit ${record.counts.statements}`);
      schedule.committed?.(record);
    };
    this.#record = new MemoryRecord({ chance: chance.branch(), weather: this.#weather, pause, committed });
    this.#replicas = new Replicas({ record: this.#record, weather: this.#weather, chance: chance.branch(), note });
    this.#database = this.#record.connect().database;
  }

  async run(): Promise<Omit<Report, 'tookMs' | 'digest' | 'trace'>> {
    const { replicas, hosts } = this.schedule;
    for (let at = 0; at < replicas; at += 1) await this.#replicas.add();
    const clusterId = await this.#place();
    const machines: SimulatedMachine[] = [];
    for (let host = 0; host < hosts; host += 1) machines.push(...(await this.#host(clusterId, host)));
    this.#weather.isCalm = false;
    this.#replicas.trouble();
    await Promise.all(machines.map((known) => this.#live(known)));
    this.#weather.isCalm = true;
    this.#replicas.heal();
    await pause(50);
    const problems = [...(await this.#problemsAtRest(machines)), ...this.#violations()];
    return {
      problems,
      ...this.#counts,
      commands: this.#agents.reduce((sum, agent) => sum + agent.commands, 0),
      statements: this.#record.counts.statements,
      faults: this.#weather.counts,
    };
  }

  async #place(): Promise<string> {
    const database = this.#database;
    const [projectId, zoneId, clusterId] = [newId(), newId(), newId()];
    await database.project.create({ data: { id: projectId, name: 'acme' } });
    await database.zone.create({ data: { id: zoneId, name: 'zone' } });
    await database.cluster.create({ data: { id: clusterId, name: 'cluster', zoneId } });
    this.#project = projectId;
    return clusterId;
  }

  /** What is wrong while nothing is at work: the system begins work of its own whenever it is due, and what it does then is no fault. */
  async #problemsAtRest(machines: readonly SimulatedMachine[]): Promise<string[]> {
    for (let look = 1; ; look += 1) {
      const left = await this.#settle();
      if (left !== null) return [left];
      // What agents do every 30 s; a replica whose database was away handles it a second later.
      await Promise.all(this.#agents.map((agent) => agent.sendInventory()));
      await pause(2_500);
      const before = await this.#operationsSoFar();
      if (/RUNNING|CANCELLING/.test(before)) continue;
      const problems = await problemsOf(this.#database, machines);
      if ((await this.#operationsSoFar()) === before)
        return problems.length === 0 ? problems : [...problems, ...(await historyOf(this.#database))];
      if (look === 100) return ['the system never rests', ...problems];
    }
  }

  /** Changes with every operation that begins. */
  async #operationsSoFar(): Promise<string> {
    const rows = await this.#database.operation.findMany({ select: { id: true, state: true } });
    return rows.map(({ id, state }) => `${id} ${state}`).join();
  }

  #violations(): string[] {
    return this.#agents.flatMap((agent) =>
      agent.violations.map((violation) => (violation instanceof Error ? String(violation.stack) : String(violation))),
    );
  }

  /** A host with its machines, enrolled and recorded. */
  async #host(clusterId: string, number: number): Promise<SimulatedMachine[]> {
    const pool = new VirtualPool();
    const host = new VirtualHost(pool);
    const chance = this.chance.branch();
    const name = `h${number}`;
    const guestWrites = () => {
      for (const machine of host.machines.values()) machine.write(chance, () => (this.#lastNumber += 1));
    };
    for (let at = 0; at < this.schedule.machinesPerHost; at += 1) {
      const machine = new VirtualMachine(`${name}-m${at}`, pool);
      if (chance.once(2)) machine.start();
      host.machines.set(machine.uuid, machine);
    }
    guestWrites();
    const enrolled = await this.#replicas.ask((core) =>
      core.installation.createHostEnrollment(this.#admin(), { clusterId, hostName: name }),
    );
    if (!enrolled) throw new Error('nothing fails while a schedule is set up');
    const { urls } = this.#replicas;
    const agent = new SimulatedAgent({
      name,
      host,
      chance,
      weather: this.#weather,
      token: valueOf(enrolled).token,
      urls,
      dial: (url) => this.#replicas.dial(url),
      guestWrites,
      note: (line) => this.trace.note(line),
    });
    this.#agents.push(agent);
    agent.start();
    const machines: SimulatedMachine[] = [];
    for (const machine of host.machines.values()) machines.push({ id: await this.#assigned(machine), machine, host, agent });
    return machines;
  }

  async #assigned(machine: VirtualMachine): Promise<string> {
    for (;;) {
      const found = await this.#database.virtualMachine.findUnique({ where: { domainUuid: machine.uuid } });
      const { id: virtualMachineId } = found ?? { id: null };
      if (virtualMachineId !== null) {
        const assigned = { virtualMachineId, projectId: this.#project };
        await this.#replicas.ask((core) => core.installation.assignVirtualMachine(this.#admin(), assigned));
        return virtualMachineId;
      }
      await pause(10);
    }
  }

  #admin(): Principal {
    return { ...this.#owner(), isAdmin: true, roles: new Map() };
  }

  #owner(): Principal {
    const tokenId = '00000000-0000-7000-8000-000000000001';
    const actor = { kind: 'TOKEN' as const, name: 'simulator', userId: null };
    const roles = new Map([[this.#project, 'OWNER' as const]]);
    return { tokenId, key: `token:${tokenId}`, actor, email: 'simulator', userId: null, isAdmin: false, roles, expiresAt: null };
  }

  /** Asks for one thing after the other; what is refused is refused, what is started is mostly waited for. */
  async #live(known: SimulatedMachine): Promise<void> {
    const chance = this.chance.branch();
    const stage: Stage = { database: this.#database, ask: (question) => this.#ask(question), owner: this.#owner(), chance, known };
    for (let round = 0; round < this.schedule.rounds; round += 1) {
      known.machine.write(chance, () => (this.#lastNumber += 1));
      const isStarted = await chooseAction(stage);
      this.trace.note(`${known.machine.name} asked: ${String(isStarted)}`);
      this.#counts[isStarted === null ? 'unheard' : isStarted ? 'started' : 'refused'] += 1;
      if (chance.once(6)) await pause(chance.below(200));
      else await this.#idle(known.id);
    }
    await this.#idle(known.id);
  }

  async #ask<T>(question: (core: Core) => Promise<T>): Promise<T | null> {
    try {
      return await this.#replicas.ask(question);
    } catch (error) {
      // Whoever asked hears that the database is away, and does not know more.
      if (databaseFailure(error) === 'LOST' || databaseFailure(error) === 'CONFLICT') return null;
      throw error;
    }
  }

  async #idle(virtualMachineId: string): Promise<void> {
    const open = { virtualMachineId, state: { in: ['RUNNING' as const, 'CANCELLING' as const] } };
    const last = performance.now() + PATIENCE_MS;
    for (let ms = 5; performance.now() < last && (await this.#database.operation.count({ where: open })) > 0; ms = Math.min(2 * ms, 1_000))
      await pause(ms);
  }

  /** What was left for later is done: no operation, no garbage. Null, or what is left after the longest time that it may take. */
  async #settle(): Promise<string | null> {
    const last = performance.now() + PATIENCE_MS;
    for (let ms = 20; performance.now() < last; ms = Math.min(2 * ms, 2_000)) {
      const open = await this.#database.operation.findMany({ where: { state: { in: ['RUNNING', 'CANCELLING'] } } });
      const garbage = await this.#database.layer.findMany({ where: { state: 'DISCARDING' } });
      if (open.length === 0 && garbage.length === 0 && this.#replicas.areAllAlive && this.#agents.every((agent) => agent.isConnected))
        return null;
      await pause(ms);
    }
    return `something is left for ever: ${await this.#whatIsLeft()}`;
  }

  /** Operations that go on, garbage, and why nobody may remove it. */
  async #whatIsLeft(): Promise<string> {
    const garbage = await this.#database.layer.findMany({ where: { state: 'DISCARDING' } });
    const machines = await this.#database.virtualMachine.findMany({ include: { operations: { include: { commands: true } } } });
    const told = machines.map(({ name, state, drift, operations }) => ({
      name,
      state,
      drift: JSON.stringify(drift)?.slice(0, 400),
      operations: operations.map(({ kind, state: now, error, commands }) => ({
        kind,
        now,
        error: JSON.stringify(error)?.slice(0, 200),
        commands: commands.map(
          (command) => `${command.verb} ${command.state} ${String(command.stage)} ${JSON.stringify(command.outcome)?.slice(0, 120)}`,
        ),
      })),
    }));
    return JSON.stringify({ garbage: garbage.map((layer) => layer.fileName), told, violations: this.#violations() }, null, 1);
  }
}
