/** The one direct connection of a process: LISTEN needs it, and so does the lock that says that this process is alive. */
import { Client } from 'pg';
import type { Log } from './log.js';

/** How long opening it may take, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Pause before it is opened again, in milliseconds: short, because until then everything waits for polls. */
const RECONNECT_MS = 500;
/** How often a quiet connection is asked whether it is alive, in milliseconds; a cut network is otherwise never noticed. */
const PROBE_MS = 10_000;

/** What a listener calls. */
type ListenerHandlers = {
  /** Channel → what to do with a payload. The wake-up is lossy: after `connected`, look yourself. */
  channels: ReadonlyMap<string, (payload: string) => void>;
  /** It listens (again). */
  connected: () => void;
};

/** Listens until stopped, and opens its connection again for as long as it takes. `lock` is held for as long as it is connected. */
export class Listener {
  readonly #options: { url: string; name: string; lock: string; log: Log };
  readonly #handlers: ListenerHandlers;
  #client: Client | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;
  #opening: Promise<void> | null = null;

  constructor(options: { url: string; name: string; lock: string; log: Log }, handlers: ListenerHandlers) {
    this.#options = options;
    this.#handlers = handlers;
  }

  /** True while it listens. */
  get isConnected(): boolean {
    return this.#client !== null;
  }

  /** Opens it; resolves after the first try, successful or not. */
  start(): Promise<void> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  /** Closes it for good. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#opening;
    const client = this.#client;
    this.#client = null;
    await client?.end();
  }

  async #open(): Promise<void> {
    const client = new Client({
      connectionString: this.#options.url,
      application_name: this.#options.name,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: CONNECT_TIMEOUT_MS,
      keepAlive: true,
    });
    client.on('error', (error) => this.#lost(client, error));
    client.on('end', () => this.#lost(client, new Error('the connection ended')));
    client.on('notification', (message) => this.#handlers.channels.get(message.channel)?.(message.payload ?? ''));
    try {
      await client.connect();
      await client.query('SELECT pg_advisory_lock_shared(hashtextextended($1, 0))', [this.#options.lock]);
      for (const channel of this.#handlers.channels.keys()) await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
    } catch (error) {
      this.#options.log.warn({ err: error }, 'cannot listen to the database; trying again');
      client.end().catch((cause: unknown) => this.#options.log.debug({ err: cause }, 'closing a connection that never opened'));
      this.#again();
      return;
    }
    if (this.#isStopped) {
      await client.end();
      return;
    }
    this.#client = client;
    this.#probe(client);
    this.#handlers.connected();
  }

  #probe(client: Client): void {
    if (this.#isStopped || this.#client !== client) return;
    this.#timer = setTimeout(() => {
      client.query('SELECT 1').then(
        () => this.#probe(client),
        (error: unknown) => this.#lost(client, error),
      );
    }, PROBE_MS);
  }

  #lost(client: Client, error: unknown): void {
    if (this.#client !== client) return;
    this.#client = null;
    if (this.#isStopped) return;
    this.#options.log.warn({ err: error }, 'lost the connection that listens to the database; opening it again');
    client.end().catch((cause: unknown) => this.#options.log.debug({ err: cause }, 'closing a lost connection'));
    this.#again();
  }

  #again(): void {
    if (this.#isStopped) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.start().catch((cause: unknown) => this.#options.log.error({ err: cause }, 'opening the listening connection'));
    }, RECONNECT_MS);
  }
}
