import { createServer } from 'node:net';
import type { LauncherConfig } from './config.js';
import { LaunchError } from './progress.js';

/** Throws, before anything is started, if a port that we shall listen on is taken. */
export async function checkPorts(config: LauncherConfig): Promise<void> {
  const wanted = [
    { port: config.apiPort, variable: 'COPPICE_API_PORT', what: 'the API' },
    { port: config.webPort, variable: 'COPPICE_WEB_PORT', what: 'the dashboard' },
  ];
  const problems: string[] = [];
  for (const { port, variable, what } of wanted) {
    const problem = await probePort(port, config.bind);
    if (problem !== undefined)
      problems.push(`Port ${port} (${what}) on ${config.bind} cannot be used: ${problem}. Set ${variable} to a free port.`);
  }
  if (problems.length > 0) throw new LaunchError(`${problems.join('\n')}\nNothing was started.`);
}

/** A port of 127.0.0.1 that is free now: `preferred` if that is, else one that the kernel picks. */
export async function freePort(preferred: number | undefined): Promise<number> {
  if (preferred !== undefined && (await probePort(preferred, '127.0.0.1')) === undefined) return preferred;
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

function probePort(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'EADDRINUSE' ? 'another program listens there' : error.message),
    );
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}
