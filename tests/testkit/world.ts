import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiReplica } from './api-replica.js';
import { createDatabase, type Database, onServer } from './database.js';
import { FirstSteps, type ProjectSeen } from './first-steps.js';
import { type GoldenGuest, goldenGuest } from './golden-guest.js';
import { GraphqlClient } from './graphql-client.js';
import { LabHost } from './lab-host.js';
import { endHypervisor, note } from './ledger.js';
import { machineBecomes } from './machine-calls.js';
import { Machine, type MachineRequest } from './machine.js';
import { runFolder, runLedger, takePort } from './run-folder.js';
import { mountPool, unmountPool } from './small-pool.js';
import { waitUntil } from './wait-until.js';

/**
 * `replicas`: API processes on the one database, 1 by default. `hosts`: names, h1 and h2 by default. `adminUrl`: another PostgreSQL. `poolBytes`: the
 * pool is a small file system of its own, which leaveRoom (small-pool.ts) fills.
 */
export interface WorldRequest {
  readonly replicas?: 1 | 2;
  readonly hosts?: readonly string[];
  readonly adminUrl?: string;
  readonly poolBytes?: number;
}

/** Which guest to make; on host h1 unless told. */
export type GuestRequest = Pick<MachineRequest, 'name' | 'power' | 'tickMs'> & { readonly host?: string };

/** A machine that Coppice knows. */
export interface KnownMachine {
  /** Its global id in the API. */
  readonly id: string;
  readonly project: ProjectSeen;
  readonly machine: Machine;
  /** Global ids of its volumes by target. */
  readonly volumes: Readonly<Record<string, string>>;
}

const UNASSIGNED = `query Unassigned { virtualMachines(first: 100, filter: { unassigned: true }) { nodes { id name } } }`;

/**
 * A whole installation for one test file: its own database, API replicas, two libvirt hosts that share a pool, an agent on each, and the
 * projects acme and globex, all set up through the public API. Nothing in it is simulated.
 */
export class World {
  readonly dir: string;
  readonly poolDir: string;
  readonly database: Database;
  readonly replicas: readonly ApiReplica[];
  readonly adminToken: string;
  private readonly golden: GoldenGuest;
  private readonly adminUrl: string | undefined;
  private hostList: readonly LabHost[] = [];
  private projectList: readonly ProjectSeen[] = [];

  private constructor(parts: {
    dir: string;
    database: Database;
    replicas: readonly ApiReplica[];
    adminToken: string;
    golden: GoldenGuest;
    adminUrl: string | undefined;
  }) {
    this.dir = parts.dir;
    this.poolDir = join(parts.dir, 'pool');
    this.database = parts.database;
    this.replicas = parts.replicas;
    this.adminToken = parts.adminToken;
    this.golden = parts.golden;
    this.adminUrl = parts.adminUrl;
  }

  /** Starts everything; each agent is UP when this returns. */
  static async start(request: WorldRequest = {}): Promise<World> {
    mkdirSync(join(runFolder(), 'worlds'), { recursive: true });
    const dir = await mkdtemp(join(runFolder(), 'worlds', 'w-'));
    mkdirSync(join(dir, 'pool'));
    if (request.poolBytes !== undefined) {
      note(runLedger(), { kind: 'mount', path: join(dir, 'pool') });
      await mountPool(join(dir, 'pool'), request.poolBytes);
    }
    const [golden, database] = await Promise.all([goldenGuest(), createDatabase(request.adminUrl)]);
    const adminToken = randomBytes(32).toString('base64url');
    await writeFile(join(dir, 'admin-token'), adminToken, { mode: 0o600 });
    const replicas: ApiReplica[] = [];
    for (let number = 1; number <= (request.replicas ?? 1); number += 1) {
      const name = `api-${number}`;
      replicas.push(
        new ApiReplica({
          name,
          port: await takePort(),
          databaseUrl: database.url,
          adminTokenFile: join(dir, 'admin-token'),
          logPath: join(dir, `${name}.log`),
          ledgerPath: runLedger(),
        }),
      );
    }
    const world = new World({ dir, database, replicas, adminToken, golden, adminUrl: request.adminUrl });
    try {
      await Promise.all(replicas.map((replica) => replica.start()));
      await world.setUp(request.hosts ?? ['h1', 'h2']);
    } catch (error) {
      await world.stop();
      throw error;
    }
    return world;
  }

  get hosts(): readonly LabHost[] {
    return this.hostList;
  }

  host(name: string): LabHost {
    return named(this.hostList, name);
  }

  get acme(): ProjectSeen {
    return named(this.projectList, 'acme');
  }

  get globex(): ProjectSeen {
    return named(this.projectList, 'globex');
  }

  replica(index = 0): ApiReplica {
    const replica = this.replicas[index];
    if (replica === undefined) throw new Error(`this world has no replica ${index}`);
    return replica;
  }

  /** The public API as the holder of that token, on that replica. */
  as(token: string, replica = 0): GraphqlClient {
    return new GraphqlClient(this.replica(replica).url, token);
  }

  get admin(): GraphqlClient {
    return this.as(this.adminToken);
  }

  /** A guest on a host that nobody has told Coppice of; its agent finds it, no project owns it. */
  addStranger(request: GuestRequest): Promise<Machine> {
    const host = this.host(request.host ?? 'h1');
    return Machine.create({
      name: request.name,
      libvirtUri: host.libvirtUri,
      poolDir: this.poolDir,
      runDir: host.place.runDir,
      logDir: join(host.dir, 'guests'),
      golden: this.golden,
      ...(request.power === undefined ? {} : { power: request.power }),
      ...(request.tickMs === undefined ? {} : { tickMs: request.tickMs }),
    });
  }

  /** A guest on a host, found by its agent and assigned to a project; it runs with a guest agent that answers, unless `power` is off. */
  async addMachine(request: GuestRequest & { readonly project?: ProjectSeen }): Promise<KnownMachine> {
    const project = request.project ?? this.acme;
    const machine = await this.addStranger(request);
    const found = await waitUntil(`the agent to report machine ${request.name}`, async () => {
      const { virtualMachines } = await this.admin.ask<{ virtualMachines: { nodes: { id: string; name: string }[] } }>(UNASSIGNED);
      return virtualMachines.nodes.find((node) => node.name === request.name);
    });
    await new FirstSteps(this.admin).assign(found.id, project.id);
    const seen = await machineBecomes(this.admin, found, (answer) =>
      request.power === 'off' ? answer.state === 'STOPPED' : answer.state === 'RUNNING' && answer.guestAgent === 'CONNECTED',
    );
    const volumes = Object.fromEntries(seen.volumes.map((volume): [string, string] => [volume.target ?? '', volume.id]));
    return { id: found.id, project, machine, volumes };
  }

  /** Where a layer lies that the API names relative to its pool. */
  layerPath(disk: { readonly layerPath: string | null }): string {
    return join(this.poolDir, disk.layerPath ?? 'not shown to this token');
  }

  /** Waits until every machine is as recorded. */
  async waitForNoDrift(): Promise<void> {
    const drifted = () => this.database.sql('SELECT name, drift FROM virtual_machine WHERE drift IS NOT NULL');
    await waitUntil('no machine to be drifted', async () => (await drifted()).length === 0);
  }

  /** Waits until a host's agent has an open session. */
  async waitForHost(name: string, state = 'UP'): Promise<void> {
    await waitUntil(
      `host ${name} to be ${state}`,
      async () => {
        if (state === 'UP') this.host(name).agent.mustRun();
        const answer = await this.admin.ask<{ hosts: { nodes: { name: string; state: string }[] } }>(
          'query Hosts { hosts { nodes { name state } } }',
        );
        return answer.hosts.nodes.some((host) => host.name === name && host.state === state);
      },
      { describe: () => this.hostList.find((host) => host.name === name)?.agent.logTail() ?? '' },
    );
  }

  /** Leads a host's agent to another replica, and waits until its session is open there. */
  async moveAgent(hostName: string, replica: number): Promise<void> {
    const before = await this.sessionEpoch(hostName);
    this.host(hostName).link.moveTo(this.replica(replica).port);
    await waitUntil(`a new session of ${hostName}`, async () => (await this.sessionEpoch(hostName)) > before);
    await this.waitForHost(hostName);
  }

  private async sessionEpoch(hostName: string): Promise<number> {
    const [row] = await this.database.sql('SELECT session_epoch FROM host WHERE name = $1', [hostName]);
    return Number(row?.['session_epoch'] ?? 0);
  }

  /** Ends everything of this world, also what a test has left paused or killed. */
  async stop(): Promise<void> {
    for (const host of this.hostList) {
      if (host.agent.isRunning()) host.agent.resume();
      await host.agent.end('SIGKILL');
      await host.link.close();
      await endHypervisor(host.place);
    }
    for (const replica of this.replicas) {
      if (replica.process.isRunning()) replica.process.resume();
      await replica.process.end('SIGKILL');
    }
    await unmountPool(this.poolDir);
    await this.database.close();
    if (this.adminUrl === undefined) await onServer(`DROP DATABASE IF EXISTS ${this.database.name} WITH (FORCE)`);
  }

  private async setUp(hostNames: readonly string[]): Promise<void> {
    const steps = new FirstSteps(this.admin);
    const clusterId = await steps.createCluster('zone-1', 'cluster-1');
    this.projectList = [await steps.createProject('acme'), await steps.createProject('globex')];
    for (const [index, name] of hostNames.entries()) {
      const host = await LabHost.create({
        name,
        dir: this.dir,
        poolDir: this.poolDir,
        apiPort: this.replica(index % this.replicas.length).port,
        golden: this.golden,
        enrolmentToken: await steps.enrolHost(clusterId, name),
      });
      this.hostList = [...this.hostList, host];
      host.agent.start();
    }
    for (const name of hostNames) await this.waitForHost(name);
  }
}

function named<T extends { readonly name: string }>(list: readonly T[], name: string): T {
  const found = list.find((one) => one.name === name);
  if (found === undefined) throw new Error(`this world has no ${name}`);
  return found;
}
