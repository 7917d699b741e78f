import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What happens to the next COMMIT that passes: it is delivered and its answer is lost, or it never arrives. */
export type CommitFate = 'answer-lost' | 'never-arrives';

/** The network between a replica and PostgreSQL, on a port of its own: can be away, and can lose a connection around a COMMIT. */
export class DatabaseLink {
  readonly #server: Server;
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #isAway = false;
  #fate: CommitFate | null = null;
  lostCommits = 0;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  static async open(databaseUrl: string): Promise<DatabaseLink> {
    const link = new DatabaseLink(new URL(databaseUrl));
    link.#server.listen(0, '127.0.0.1');
    await once(link.#server, 'listening');
    return link;
  }

  /** The database's address through this link. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const url = new URL(this.#target);
    url.port = String(address.port);
    return String(url);
  }

  loseNextCommit(fate: CommitFate): void {
    this.#fate = fate;
  }

  /** Breaks everything and refuses what is new. */
  goAway(): void {
    this.#isAway = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  comeBack(): void {
    this.#isAway = false;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(client: Socket): void {
    if (this.#isAway) {
      client.resetAndDestroy();
      return;
    }
    const database = connect(Number(this.#target.port), this.#target.hostname);
    for (const socket of [client, database]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.on('close', () => database.destroy());
    database.on('close', () => client.destroy());
    let isLost = false;
    client.on('data', (data) => {
      if (this.#fate !== null && data.includes('COMMIT')) {
        isLost = true;
        this.lostCommits += 1;
        if (this.#fate === 'never-arrives') client.resetAndDestroy();
        else database.write(data);
        this.#fate = null;
        return;
      }
      database.write(data);
    });
    database.on('data', (data) => {
      if (isLost) client.resetAndDestroy();
      else client.write(data);
    });
  }
}
