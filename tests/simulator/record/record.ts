/**
 * The record in memory: what the stores need of Prisma and PostgreSQL, over tables of this process. Transactions follow each other, one at a
 * time, in an order that chance decides where several wait; they can fail like any on a network: rolled back by a conflict, or with an
 * answer that is lost before or after the commit. What it cannot show, as it has one transaction at a time, PostgreSQL shows in tests/dispatch.
 */
import type { Database } from '@coppice/api/platform/database.js';
import type { Listener } from '@coppice/api/platform/listener.js';
import { never } from '../never.js';
import { Seeded } from '../seeded.js';
import { NO_FAULTS, Weather } from '../weather.js';
import { callsOf } from './delegate.js';
import { readSchema } from './schema.js';
import { runStatement } from './statements.js';
import { RecordError, Tables } from './tables.js';
import { isObject, type Row } from './values.js';

const SCHEMA = readSchema(new URL('../../../prisma/schema.prisma', import.meta.url));

export type RecordOptions = {
  chance: Seeded;
  weather: Weather;
  pause: (ms: number) => Promise<void>;
  /** A transaction was committed. */
  committed: (record: MemoryRecord) => void;
};

/** All rows. */
export type RecordContent = readonly { model: string; delegate: string; table: string; rows: readonly Row[] }[];

type Handlers = ConstructorParameters<typeof Listener>[1];

/** All rows of an installation, whose turn it is to change them, and who is connected. */
export class MemoryRecord {
  readonly tables: Tables;
  readonly connections = new Set<Connection>();
  readonly counts = { statements: 0, transactions: 0 };
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;

  constructor(readonly options: RecordOptions) {
    this.tables = new Tables(SCHEMA);
    this.tables.insert(this.tables.model('EventStream'), { id: 1 });
  }

  /** One that has these rows, in which nothing goes wrong and nothing takes any time. */
  static of(content: RecordContent): MemoryRecord {
    const chance = new Seeded(1);
    const nothing = () => undefined;
    const record = new MemoryRecord({
      chance,
      weather: new Weather(chance, NO_FAULTS),
      pause: () => Promise.resolve(),
      committed: nothing,
    });
    record.tables.restore(content);
    return record;
  }

  /** What is in it now. */
  content(): RecordContent {
    return [...this.tables.models.values()].map(({ name, delegate, table }) => ({
      model: name,
      delegate,
      table,
      rows: this.tables.rows(name),
    }));
  }

  connect(): Connection {
    const connection = new Connection(this);
    this.connections.add(connection);
    return connection;
  }

  /** Resolves when it is the caller's turn, who must leave() then. */
  async enter(): Promise<void> {
    if (this.#isTaken) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    this.#isTaken = true;
  }

  leave(): void {
    const next = this.#waiting.splice(this.options.chance.below(this.#waiting.length), 1)[0];
    if (next) next();
    else this.#isTaken = false;
  }

  /** To every living process that listens, a little later. */
  tell(channel: string, payload: string): void {
    for (const connection of this.connections) connection.hear(channel, payload);
  }
}

function lost(when: string): RecordError {
  return new RecordError('P1017', `the connection to the database was lost: ${when}`);
}

/** What one process has of the record. When it dies, whatever it waits for never comes, and what it had begun is rolled back. */
export class Connection {
  readonly database: Database;
  readonly #record: MemoryRecord;
  #isDead = false;
  #handlers: Handlers | null = null;
  #lock: string | null = null;
  /** Set while its transaction runs. */
  #told: { channel: string; payload: string }[] | null = null;

  constructor(record: MemoryRecord) {
    this.#record = record;
    const outside = this.#client((work) => this.#alone(work));
    const inside = this.#client((work) => (this.#isDead ? never() : Promise.resolve(work())));
    const transaction = (work: unknown) => {
      if (typeof work !== 'function') throw new Error('the record in memory has no batches of statements');
      return this.#transaction(async () => Reflect.apply(work, undefined, [inside]));
    };
    const client = { ...outside, $transaction: transaction, $disconnect: () => Promise.resolve() };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the adapter: it stands for Prisma's client, and throws at what it does not have.
    this.database = client as unknown as Database;
  }

  /** The listening connection of the process; `lock` says that it lives. */
  listener(lock: string, handlers: Handlers): Pick<Listener, 'start' | 'stop' | 'isConnected'> {
    const isConnected = () => this.#handlers !== null;
    return {
      get isConnected() {
        return isConnected();
      },
      start: async () => {
        await this.#record.options.pause(1);
        if (this.#isDead) return never();
        this.#lock = lock;
        this.#handlers = handlers;
        handlers.connected();
      },
      stop: () => {
        this.kill();
        return Promise.resolve();
      },
    };
  }

  hear(channel: string, payload: string): void {
    const { pause, chance } = this.#record.options;
    void pause(chance.below(3)).then(() => this.#handlers?.channels.get(channel)?.(payload));
  }

  holds(lock: string): boolean {
    return this.#lock === lock;
  }

  /** The process dies. */
  kill(): void {
    this.#isDead = true;
    this.#handlers = null;
    this.#lock = null;
    this.#record.connections.delete(this);
    if (this.#told !== null) {
      this.#told = null;
      this.#record.tables.rollBack();
      this.#record.leave();
    }
  }

  /** A statement of its own. */
  #alone<T>(work: () => T): Promise<T> {
    return this.#transaction(() => Promise.resolve(work()), false);
  }

  async #transaction<T>(work: () => Promise<T>, canFail = true): Promise<T> {
    const record = this.#record;
    const { weather, pause, chance } = record.options;
    if (this.#isDead) return never();
    if (canFail) await pause(chance.below(3));
    await record.enter();
    if (this.#isDead) {
      record.leave();
      return never();
    }
    record.counts.transactions += 1;
    record.tables.begin();
    this.#told = [];
    try {
      const result = await work();
      if (canFail) await this.#beforeCommit();
      if (this.#isDead) return never();
      this.#commit();
      if (canFail && weather.strikes('unheardEvery')) throw lost('committed, and nobody heard of it');
      return result;
    } catch (error) {
      if (this.#isDead) return never();
      this.#rollBack();
      throw error;
    }
  }

  async #beforeCommit(): Promise<void> {
    const { weather, pause, chance } = this.#record.options;
    if (chance.once(3)) await pause(chance.below(3));
    if (this.#isDead) return;
    if (weather.strikes('conflictEvery')) throw new RecordError('P2034', 'rolled back by a conflict');
    if (weather.strikes('lostEvery')) throw lost('before the commit');
  }

  #commit(): void {
    const told = this.#told ?? [];
    this.#told = null;
    this.#record.tables.commit();
    this.#record.options.committed(this.#record);
    this.#record.leave();
    for (const { channel, payload } of told) this.#record.tell(channel, payload);
  }

  #rollBack(): void {
    if (this.#told === null) return;
    this.#told = null;
    this.#record.tables.rollBack();
    this.#record.leave();
  }

  #client(run: <T>(work: () => T) => Promise<T>): Readonly<Record<string, unknown>> {
    const { tables, counts } = this.#record;
    const counted = <T>(work: () => T) =>
      run(() => {
        counts.statements += 1;
        return work();
      });
    const delegates = [...tables.models.values()].map((model) => {
      const calls = Object.entries(callsOf(tables, model)).map(([name, call]) => [
        name,
        (given: unknown) => counted(() => call(isObject(given) ? given : {})),
      ]);
      return [model.delegate, Object.fromEntries(calls)];
    });
    const statement = (strings: readonly string[], ...values: unknown[]) => counted(() => this.#statement(strings.join('?'), values));
    return { ...Object.fromEntries(delegates), $queryRaw: statement, $executeRaw: statement };
  }

  #statement(text: string, values: readonly unknown[]): Row[] | number {
    const { tables, connections } = this.#record;
    return runStatement(text, {
      tables,
      values,
      around: {
        notify: (channel, payload) => void this.#told?.push({ channel, payload }),
        isLocked: (name) => [...connections].some((one) => one.holds(name)),
      },
    });
  }
}
