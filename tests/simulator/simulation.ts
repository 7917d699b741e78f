/**
 * One schedule: a database, an API replica and hosts in memory whose agents die, are cut off and fail; machines that are snapshotted, reverted,
 * branched, deleted, cancelled, retried, stopped and started at once, all by one seed. Whatever happened, afterwards every READY snapshot
 * reads what its machine had on its disks in the moment that it was taken, every file is known and every record has its file.
 */
import type { Principal } from '@coppice/api/access/principal.js';
import { Installation, type Replica, valueOf } from '../dispatch/installation.js';
import { waitUntil } from '../testkit/wait-until.js';
import { chooseAction } from './actions.js';
import { Seeded } from './seeded.js';
import { type Faults, SimulatedAgent } from './simulated-agent.js';
import { VirtualHost } from './virtual-host.js';
import { VirtualMachine } from './virtual-machine.js';
import { VirtualPool } from './virtual-pool.js';
import { problemsOf } from './record-check.js';

/** A schedule waits a thousand times; a look takes less than a millisecond. */
const OFTEN = { everyMs: 4, deadlineMs: 40_000 };

export type Schedule = { seed: number; hosts: number; machinesPerHost: number; rounds: number; faults: Faults };

/** What a schedule came to. `problems` names what is wrong; it is empty, or there is a bug. */
export type Report = { problems: string[]; started: number; refused: number; deaths: number; cuts: number; commands: number };

/** A machine on a host, known to the API. */
export type SimulatedMachine = { id: string; machine: VirtualMachine; host: VirtualHost; agent: SimulatedAgent };

/** What an action needs. */
export type Stage = { installation: Installation; replica: Replica; owner: Principal; chance: Seeded; known: SimulatedMachine };

/** Runs it from an empty database to its end. */
export async function runSchedule(schedule: Schedule): Promise<Report> {
  const installation = await Installation.start();
  const simulation = new Simulation(installation, schedule);
  try {
    return await simulation.run();
  } finally {
    await simulation.stop();
    await installation.stop();
  }
}

class Simulation {
  readonly #chance: Seeded;
  readonly #agents: SimulatedAgent[] = [];
  #lastNumber = 0;

  constructor(
    private readonly installation: Installation,
    private readonly schedule: Schedule,
  ) {
    this.#chance = new Seeded(schedule.seed);
  }

  async run(): Promise<Report> {
    const replica = await this.installation.replica();
    const machines: SimulatedMachine[] = [];
    for (let host = 0; host < this.schedule.hosts; host += 1) machines.push(...(await this.#host(replica, host)));
    const counts = { started: 0, refused: 0 };
    await Promise.all(machines.map((known) => this.#live(replica, known, counts)));
    for (const agent of this.#agents) agent.calmDown();
    await this.#settle();
    const problems = [...this.#violations(), ...(await this.#problemsAtRest(machines))];
    const sum = (count: (agent: SimulatedAgent) => number) => this.#agents.reduce((total, agent) => total + count(agent), 0);
    return {
      problems,
      ...counts,
      deaths: sum((agent) => agent.counts.deaths),
      cuts: sum((agent) => agent.counts.cuts),
      commands: sum((agent) => agent.counts.commands),
    };
  }

  /** What is wrong while nothing is at work: the system begins work of its own whenever it is due, and what it does then is no fault. */
  async #problemsAtRest(machines: readonly SimulatedMachine[]): Promise<string[]> {
    for (;;) {
      await this.#settle();
      const before = await this.#operationsSoFar();
      const problems = await problemsOf(this.installation.database, machines);
      if ((await this.#operationsSoFar()) === before) return problems;
    }
  }

  /** Changes with every operation that begins. */
  async #operationsSoFar(): Promise<string> {
    const [row] = await this.installation.database.sql(
      `SELECT count(*)::text || ' ' || count(*) FILTER (WHERE state IN ('RUNNING', 'CANCELLING')) AS seen FROM operation`,
    );
    return String(row?.['seen']);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.stop()));
  }

  #violations(): string[] {
    return this.#agents.flatMap((agent) => agent.violations.map((violation) => String(violation)));
  }

  /** A host with its machines, enrolled and recorded. */
  async #host(replica: Replica, number: number): Promise<SimulatedMachine[]> {
    const pool = new VirtualPool();
    const host = new VirtualHost(pool);
    const chance = new Seeded(this.#chance.below(2 ** 31));
    const name = `h${number}`;
    const guestWrites = () => {
      for (const machine of host.machines.values()) machine.write(chance, () => (this.#lastNumber += 1));
    };
    const agent = new SimulatedAgent({ name, host, chance, faults: this.schedule.faults, guestWrites });
    this.#agents.push(agent);
    for (let at = 0; at < this.schedule.machinesPerHost; at += 1) {
      const machine = new VirtualMachine(`${name}-m${at}`, pool);
      if (chance.once(2)) machine.start();
      host.machines.set(machine.uuid, machine);
    }
    guestWrites();
    const { installation } = this;
    const enrolment = { clusterId: installation.clusterId, hostName: name };
    await agent.enrol(replica.url, valueOf(await replica.core.installation.createHostEnrollment(installation.admin(), enrolment)).token);
    return Promise.all(
      [...host.machines.values()].map(async (machine) => ({ id: await this.#assigned(replica, machine), machine, host, agent })),
    );
  }

  async #assigned(replica: Replica, machine: VirtualMachine): Promise<string> {
    const { installation } = this;
    const row = await waitUntil(`${machine.name} is recorded`, async () => {
      const [found] = await installation.database.sql('SELECT id FROM virtual_machine WHERE domain_uuid = $1', [machine.uuid]);
      return found;
    });
    const virtualMachineId = String(row['id']);
    valueOf(
      await replica.core.installation.assignVirtualMachine(installation.admin(), { virtualMachineId, projectId: installation.projectId }),
    );
    return virtualMachineId;
  }

  /** Asks for one thing after the other; what is refused is refused, what is started is mostly waited for. */
  async #live(replica: Replica, known: SimulatedMachine, counts: { started: number; refused: number }): Promise<void> {
    const { installation } = this;
    const chance = new Seeded(this.#chance.below(2 ** 31));
    const owner = { ...installation.operator(), roles: new Map([[installation.projectId, 'OWNER' as const]]) };
    for (let round = 0; round < this.schedule.rounds; round += 1) {
      known.machine.write(chance, () => (this.#lastNumber += 1));
      const isStarted = await chooseAction({ installation, replica, owner, chance, known });
      if (isStarted) counts.started += 1;
      else counts.refused += 1;
      if (!chance.once(6)) await this.#idle(known.id);
    }
    await this.#idle(known.id);
  }

  async #idle(machineId: string): Promise<void> {
    let left: unknown[] = [];
    await waitUntil(
      'its operation has ended',
      async () => {
        left = [...(await this.#whatIsLeft())];
        const [row] = await this.installation.database.sql(
          `SELECT count(*)::int AS open FROM operation WHERE virtual_machine_id = $1 AND state IN ('RUNNING', 'CANCELLING')`,
          [machineId],
        );
        return row?.['open'] === 0 ? true : undefined;
      },
      { ...OFTEN, describe: () => JSON.stringify([...left, ...this.#violations()]).slice(0, 3_000) },
    );
  }

  /** What was left for later is done: no operation, no garbage. */
  async #settle(): Promise<void> {
    for (const agent of this.#agents) agent.sendInventory();
    let left: unknown[] = [];
    await waitUntil(
      'nothing is left to do',
      async () => {
        left = [...(await this.#whatIsLeft())];
        return left.length === 0 ? true : undefined;
      },
      { ...OFTEN, describe: () => JSON.stringify([...left, ...this.#violations()]).slice(0, 3_000) },
    );
  }

  /** Operations that go on, garbage, and why nobody may remove it. */
  #whatIsLeft() {
    return this.installation.database.sql(
      `SELECT m.name AS machine, m.state, m.drift -> 'findings' -> 0 ->> 'path' AS drift, min(l.file_name) AS garbage,
         (SELECT jsonb_agg(concat_ws(' ', p.kind, p.state, c.verb, c.state, c.stage, c.outcome ->> 'kind', c.outcome ->> 'left') ORDER BY c.number)
          FROM operation p JOIN command c ON c.operation_id = p.id WHERE p.virtual_machine_id = m.id) AS history
       FROM virtual_machine m
       LEFT JOIN operation o ON o.virtual_machine_id = m.id AND o.state IN ('RUNNING', 'CANCELLING')
       LEFT JOIN volume v ON v.virtual_machine_id = m.id LEFT JOIN layer l ON l.volume_id = v.id AND l.state = 'DISCARDING'
       WHERE o.id IS NOT NULL OR l.id IS NOT NULL GROUP BY m.id`,
    );
  }
}
