import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * The network between an agent and the API: a TCP relay on 127.0.0.1 that a test can cut. `target` is the port behind it, changed at will:
 * so an agent can be moved from one replica to another without its configuration changing.
 */
export class Link {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private targetPort: number;
  private state: 'open' | 'cut' | 'silent' = 'open';

  private constructor(server: Server, targetPort: number) {
    this.server = server;
    this.targetPort = targetPort;
  }

  /** Listens on `port` and relays to `targetPort`. */
  static async open(port: number, targetPort: number): Promise<Link> {
    const server = createServer();
    const link = new Link(server, targetPort);
    server.on('connection', (socket) => link.accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => resolve());
    });
    return link;
  }

  /** Resets every connection; new ones are reset too until `mend`. */
  cut(): void {
    this.state = 'cut';
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  /** Half-open, as when a cable is pulled: connections stay, and nothing passes any more. */
  goSilent(): void {
    this.state = 'silent';
    for (const socket of this.sockets) socket.pause();
  }

  /** Works again. What was silent is reset, so that both sides start anew. */
  mend(): void {
    if (this.state === 'silent') for (const socket of this.sockets) socket.resetAndDestroy();
    this.state = 'open';
  }

  /** Leads to another port from now on; present connections are reset. */
  moveTo(targetPort: number): void {
    this.targetPort = targetPort;
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private accept(socket: Socket): void {
    if (this.state === 'cut') {
      socket.resetAndDestroy();
      return;
    }
    const other = connect(this.targetPort, '127.0.0.1');
    for (const [one, two] of [
      [socket, other],
      [other, socket],
    ] as const) {
      this.sockets.add(one);
      one.setNoDelay(true);
      one.pipe(two);
      one.on('error', () => two.destroy());
      one.on('close', () => {
        this.sockets.delete(one);
        two.destroy();
      });
      if (this.state === 'silent') one.pause();
    }
  }
}
