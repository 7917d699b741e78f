import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Principal } from '@coppice/api/access/principal.js';
import { type Core, createCore } from '@coppice/api/core.js';
import type { Outcome } from '@coppice/api/errors/refusal.js';
import { newId } from '@coppice/api/platform/ids.js';
import { createLog } from '@coppice/api/platform/log.js';
import { MAX_MESSAGE_BYTES } from '@coppice/protocol';
import { WebSocketServer } from 'ws';
import { createDatabase, type Database } from '../testkit/database.js';
import { waitUntil } from '../testkit/wait-until.js';
import { FakeAgent } from './fake-agent.js';

/** One API replica in this process: the core, and a server that upgrades /agent. */
export type Replica = { core: Core; url: string; server: Server; stop(): Promise<void> };

/** A clock that a test can set forward. */
class MovableClock {
  #aheadMs = 0;

  now(): Date {
    return new Date(Date.now() + this.#aheadMs);
  }

  forward(ms: number): void {
    this.#aheadMs += ms;
  }
}

/** A database with a project, a zone and a cluster; replicas and hosts come on demand. */
export class Installation {
  readonly database: Database;
  readonly clock = new MovableClock();
  readonly projectId: string;
  readonly clusterId: string;
  readonly #replicas: Replica[] = [];
  readonly #agents: FakeAgent[] = [];

  private constructor(database: Database, projectId: string, clusterId: string) {
    this.database = database;
    this.projectId = projectId;
    this.clusterId = clusterId;
  }

  static async start(): Promise<Installation> {
    const database = await createDatabase();
    const [projectId, zoneId, clusterId] = [newId(), newId(), newId()];
    await database.sql(`INSERT INTO project (id, name) VALUES ($1, 'acme')`, [projectId]);
    await database.sql(`INSERT INTO zone (id, name) VALUES ($1, 'zone')`, [zoneId]);
    await database.sql(`INSERT INTO cluster (id, name, zone_id) VALUES ($1, 'cluster', $2)`, [clusterId, zoneId]);
    return new Installation(database, projectId, clusterId);
  }

  async replica(databaseUrl = this.database.url): Promise<Replica> {
    const level = process.env['COPPICE_TEST_LOG'] === '1' ? 'debug' : 'silent';
    const core = createCore({ databaseUrl, replicaId: newId(), clock: this.clock, log: createLog(level) });
    await core.start();
    const server = createServer();
    const sockets = new WebSocketServer({ server, path: '/agent', maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
    sockets.on('connection', (socket) => core.agentSocket.handle(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const stop = async () => {
      sockets.close();
      server.close();
      await core.stop();
    };
    const replica = { core, url: `ws://127.0.0.1:${address.port}/agent`, server, stop };
    this.#replicas.push(replica);
    return replica;
  }

  /** A host that has enrolled on the replica, with an open session and its pool and one machine of two disks recorded. */
  async host(replica: Replica, name: string): Promise<FakeAgent> {
    const { token } = valueOf(
      await replica.core.installation.createHostEnrollment(this.admin(), { clusterId: this.clusterId, hostName: name }),
    );
    const agent = new FakeAgent(name);
    this.#agents.push(agent);
    await agent.enrol(replica.url, token);
    return agent;
  }

  /** A machine of the host, assigned to the project. */
  async machine(replica: Replica, agent: FakeAgent, name: string): Promise<{ id: string; uuid: string }> {
    const uuid = agent.addMachine(name);
    await agent.sendInventory();
    const id = await this.#machineId(uuid);
    valueOf(await replica.core.installation.assignVirtualMachine(this.admin(), { virtualMachineId: id, projectId: this.projectId }));
    return { id, uuid };
  }

  async #machineId(uuid: string): Promise<string> {
    const row = await waitUntil('the machine is recorded', async () => {
      const [found] = await this.database.sql('SELECT id FROM virtual_machine WHERE domain_uuid = $1', [uuid]);
      return found;
    });
    return String(row['id']);
  }

  admin(): Principal {
    return { ...this.operator(), isAdmin: true, roles: new Map() };
  }

  operator(tokenId = '00000000-0000-7000-8000-000000000001'): Principal {
    return {
      tokenId,
      key: `token:${tokenId}`,
      actor: { kind: 'TOKEN', name: 'tests', userId: null },
      email: 'token:tests',
      userId: null,
      isAdmin: false,
      roles: new Map([[this.projectId, 'OPERATOR']]),
      expiresAt: null,
    };
  }

  /** `subject from→to` of everything but hosts, in order of position, once all that is committed is numbered. */
  async transitions(subjectType?: string): Promise<string[]> {
    await waitUntil('all is numbered', async () => (await this.database.sql('SELECT 1 FROM transition WHERE pos IS NULL')).length === 0);
    const rows = await this.database.sql(
      `SELECT subject_type AS subject, concat(subject_type, ' ', from_state, '→', to_state) AS told FROM transition WHERE pos IS NOT NULL AND subject_type <> 'HOST' ORDER BY pos`,
    );
    return rows.filter((row) => subjectType === undefined || row['subject'] === subjectType).map((row) => String(row['told']));
  }

  async stop(): Promise<void> {
    for (const agent of this.#agents) agent.disconnect();
    await Promise.all(this.#replicas.map((replica) => replica.stop()));
    await this.database.close();
  }
}

/** The value of an outcome that must be done. */
export function valueOf<T>(outcome: Outcome<T>): T {
  if (!outcome.ok)
    throw new Error(
      `refused: ${JSON.stringify(outcome.refusals, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}`,
    );
  return outcome.value;
}

/** A request for a snapshot of all volumes, with what a test wants otherwise. */
export function requestOf(
  virtualMachineId: string,
  changed: { name?: string; kind?: 'DISK' | 'DISK_AND_MEMORY'; quiesce?: boolean; idempotencyKey?: string; volumeIds?: string[] } = {},
) {
  return {
    virtualMachineId,
    name: changed.name ?? null,
    description: null,
    kind: changed.kind ?? ('DISK' as const),
    quiesce: changed.quiesce ?? false,
    volumeIds: changed.volumeIds ?? null,
    planHash: null,
    idempotencyKey: changed.idempotencyKey ?? null,
  };
}
