/** Replicas of the API over one record: each is asked, dialled, dies and starts again as another process would. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Core, createCore } from '@coppice/api/core.js';
import { systemClock } from '@coppice/api/platform/clock.js';
import { newId } from '@coppice/api/platform/ids.js';
import { createLog } from '@coppice/api/platform/log.js';
import type { Connection, MemoryRecord } from './record/record.js';
import type { Seeded } from './seeded.js';
import { Connecting, VirtualSocket } from './virtual-network.js';
import type { Weather } from './weather.js';

const LOG = createLog(process.env['COPPICE_TEST_LOG'] === '1' ? 'debug' : 'silent');
/** Longest delay of most messages, in milliseconds. */
const LONGEST_MS = 3;

/** One process. `died` resolves with null at its death. */
type Replica = { core: Core; connection: Connection; sockets: Set<VirtualSocket>; died: Promise<null>; die: () => void };

type Options = { record: MemoryRecord; weather: Weather; chance: Seeded; note: (line: string) => void };

/** All of them, by their addresses; agents and people find a living one. */
export class Replicas {
  /** By address; null while it is dead. */
  readonly #places: (Replica | null)[] = [];
  readonly #options: Options;
  readonly #silent = new Set<VirtualSocket>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Their addresses. */
  get urls(): string[] {
    return this.#places.map((_, at) => `replica-${at}`);
  }

  get areAllAlive(): boolean {
    return this.#places.every((replica) => replica !== null);
  }

  async add(): Promise<void> {
    this.#places.push(null);
    await this.#start(this.#places.length - 1);
  }

  /** Asks one that lives, or waits for one; null where it dies meanwhile. */
  async ask<T>(question: (core: Core) => Promise<T>): Promise<T | null> {
    for (;;) {
      const replica = this.#options.chance.oneOf(this.#places.flatMap((one) => one ?? []));
      if (replica) return Promise.race([question(replica.core), replica.died]);
      await pause(50);
    }
  }

  /** The agent's end of a new connection. */
  dial(url: string): VirtualSocket {
    const { chance, weather } = this.#options;
    const { toAgent, toReplica } = new Connecting({
      chance,
      breaks: () => weather.strikes('cutEvery'),
      longestMs: LONGEST_MS,
      silent: this.#silent,
    });
    void pause(1 + chance.below(LONGEST_MS)).then(() => {
      const replica = this.#places[this.urls.indexOf(url)];
      if (!replica) {
        toAgent.emit('error', new Error('connection refused'));
        toAgent.lose();
        return;
      }
      replica.sockets.add(toReplica);
      toReplica.on('close', () => replica.sockets.delete(toReplica));
      toAgent.emit('open');
      replica.core.agentSocket.handle(toReplica.asWebSocket());
    });
    return toAgent;
  }

  /** From now on they die now and then, while the weather is bad. */
  trouble(): void {
    setInterval(() => {
      for (const at of this.#places.keys()) if (this.#places[at] && this.#options.weather.strikes('replicaEvery')) this.#kill(at);
    }, 1_000);
  }

  /** Whoever is cut off and does not know it hears of it now. */
  heal(): void {
    for (const socket of this.#silent) socket.lose();
    this.#silent.clear();
  }

  #kill(at: number): void {
    const replica = this.#places[at];
    if (!replica) return;
    this.#options.note(`replica ${at} dies`);
    this.#places[at] = null;
    replica.connection.kill();
    for (const socket of replica.sockets) socket.terminate();
    replica.die();
    // A process that is dead has no timers; with its connection gone a stop can do no more than end them.
    void replica.core.stop();
    void pause(this.#options.chance.below(8_000)).then(() => this.#start(at));
  }

  async #start(at: number): Promise<void> {
    const connection = this.#options.record.connect();
    const connected = { database: connection.database, listen: connection.listener.bind(connection) };
    const core = createCore({ replicaId: newId(), clock: systemClock, log: LOG, connected });
    await core.start();
    let die = () => {};
    const died = new Promise<null>((resolve) => {
      die = () => resolve(null);
    });
    this.#places[at] = { core, connection, sockets: new Set(), died, die };
  }
}
