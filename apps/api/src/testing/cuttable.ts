import { connect, createServer, type Socket } from 'node:net';

/** A TCP way to a server that a test can cut: the network fault that everything must survive. */
export type Cuttable = { port: number; cut(): void; mend(): void; close(): void };

/** Opens it. */
export async function openCuttable(target: { host: string; port: number }): Promise<Cuttable> {
  const clients = new Set<Socket>();
  let isCut = false;
  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const upstream = connect(target.port, target.host);
    clients.add(client);
    client.pipe(upstream);
    upstream.pipe(client);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
    upstream.on('close', () => client.destroy());
    client.on('close', () => {
      clients.delete(client);
      upstream.destroy();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cut() {
      isCut = true;
      for (const client of clients) client.destroy();
    },
    mend() {
      isCut = false;
    },
    close: () => void server.close(),
  };
}
