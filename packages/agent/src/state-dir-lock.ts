import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasErrorCode } from './failure.js';

/** A predecessor that is being killed needs a moment until the kernel has taken its socket back. */
const WAIT_MS = 5_000;
const POLL_MS = 50;

/** Another agent holds the state folder. */
export class StateDirHeld extends Error {
  override readonly name = 'StateDirHeld';
}

/**
 * Holds a state folder for as long as this process lives: an abstract unix socket named after the folder's real path. The kernel gives it
 * back at any kind of death, so there is no stale lock. It is per network namespace; two containers that share a state folder are kept
 * apart by the API, which replaces the older session of one journal. Throws StateDirHeld.
 */
export async function holdStateDir(stateDir: string): Promise<void> {
  const name = `\0coppice-agent-${createHash('sha256').update(realpathSync(stateDir)).digest('hex').slice(0, 32)}`;
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    const server = await listen(name);
    if (server !== undefined) {
      server.unref();
      return;
    }
    if (performance.now() > deadline) {
      throw new StateDirHeld(
        `Another agent runs with the state folder ${stateDir}. Stop it first, or give this agent a folder of its own.`,
      );
    }
    await sleep(POLL_MS);
  }
}

function listen(name: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) => (hasErrorCode(error, 'EADDRINUSE') ? resolve(undefined) : reject(error)));
    server.listen(name, () => resolve(server));
  });
}
