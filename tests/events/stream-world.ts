import { createCore, type Core } from '@coppice/api/core.js';
import type { EventFeed, FeedFilter, StreamPosition } from '@coppice/api/events/event-feed.js';
import type { TransitionRecord } from '@coppice/api/events/transition.js';
import { systemClock } from '@coppice/api/platform/clock.js';
import { newId } from '@coppice/api/platform/ids.js';
import { createLog } from '@coppice/api/platform/log.js';
import { Client } from 'pg';
import { createDatabase, type Database } from '../testkit/database.js';

/** Nothing is filtered. */
export const EVERYTHING: FeedFilter = { projectIds: null, virtualMachineId: null, subjectId: null, subjectTypes: null };

/** A database with machines that writers move; replicas read its stream. */
export class StreamWorld {
  readonly database: Database;
  readonly machineIds: string[];
  readonly #cores: Core[] = [];

  private constructor(database: Database, machineIds: string[]) {
    this.database = database;
    this.machineIds = machineIds;
  }

  static async start(machines = 4): Promise<StreamWorld> {
    const database = await createDatabase();
    const [zoneId, clusterId, hostId] = [newId(), newId(), newId()];
    await database.sql(`INSERT INTO zone (id, name) VALUES ($1, 'zone')`, [zoneId]);
    await database.sql(`INSERT INTO cluster (id, name, zone_id) VALUES ($1, 'cluster', $2)`, [clusterId, zoneId]);
    await database.sql(`INSERT INTO host (id, name, cluster_id) VALUES ($1, 'host', $2)`, [hostId, clusterId]);
    const machineIds = Array.from({ length: machines }, newId);
    for (const id of machineIds) {
      await database.sql(
        `INSERT INTO virtual_machine (id, domain_uuid, name, host_id, vcpus, memory_bytes) VALUES ($1, gen_random_uuid(), 'm', $2, 1, 1)`,
        [id, hostId],
      );
    }
    return new StreamWorld(database, machineIds);
  }

  async replica(): Promise<Core> {
    const core = createCore({ databaseUrl: this.database.url, replicaId: newId(), clock: systemClock, log: createLog('silent') });
    this.#cores.push(core);
    await core.start();
    return core;
  }

  async client(): Promise<Client> {
    const client = new Client({ connectionString: this.database.url });
    // A killed backend is what some tests are about; the query in flight rejects by itself.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  machine(n: number): string {
    return this.machineIds[n % this.machineIds.length] ?? '';
  }

  async stop(): Promise<void> {
    await Promise.all(this.#cores.map((core) => core.stop()));
    await this.database.close();
  }
}

/** Raises the machine's revision under its row lock, then inserts a transition that carries it: what every store does. Not committed yet. */
export async function move(client: Client, machineId: string): Promise<void> {
  const raised = await client.query<{ revision: number }>(
    'UPDATE virtual_machine SET tree_revision = tree_revision + 1 WHERE id = $1 RETURNING tree_revision AS revision',
    [machineId],
  );
  await client.query(
    `INSERT INTO transition (virtual_machine_id, subject_type, subject_id, to_state, event, actor)
     VALUES ($1, 'VIRTUAL_MACHINE', $1, $2, 'test', '{"kind":"SYSTEM","name":"t","userId":null}')`,
    [machineId, String(raised.rows[0]?.revision)],
  );
}

/** Follows a feed in the background and keeps what it gets. */
export class Follower {
  readonly records: TransitionRecord[] = [];
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;
  #error: unknown = null;

  constructor(feed: EventFeed, after: StreamPosition, filter: FeedFilter = EVERYTHING) {
    this.#done = this.#run(feed, after, filter).catch((error: unknown) => {
      this.#error = error;
    });
  }

  get last(): bigint {
    return this.records.at(-1)?.position ?? 0n;
  }

  /** Ends it; throws what the feed threw. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#done;
    if (this.#error) throw this.#error;
  }

  async #run(feed: EventFeed, after: StreamPosition, filter: FeedFilter): Promise<void> {
    for await (const batch of feed.follow(after, filter, this.#abort.signal)) this.records.push(...batch.records);
  }
}

/** What is wrong with a stream as a follower saw it: holes, doubles, or a machine whose revisions do not go up one by one. */
export function faultsOf(records: readonly TransitionRecord[], from = 0n): string[] {
  const faults: string[] = [];
  const revisions = new Map<string, number>();
  for (const [index, record] of records.entries()) {
    const expected = from + BigInt(index) + 1n;
    if (record.position !== expected) faults.push(`position ${record.position} where ${expected} was expected`);
    const before = revisions.get(record.subjectId);
    if (before !== undefined && Number(record.to) !== before + 1) faults.push(`revision ${record.to} follows ${before}`);
    revisions.set(record.subjectId, Number(record.to));
  }
  return faults;
}
