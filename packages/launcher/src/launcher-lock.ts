import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { basename, join } from 'node:path';
import { commandLineOf, endProcess, identifyProcess, isSameProcess, type ProcessIdentity } from '@coppice/lab';
import { parentOf } from './own-processes.js';
import { LaunchError, pause, say } from './progress.js';

/** Who holds a data folder: the launcher, and the processes above it up to npm. */
interface Holder {
  readonly launcher: ProcessIdentity;
  readonly ancestors: readonly ProcessIdentity[];
}

const MAX_ANCESTORS = 4;
const TAKE_OVER_GRACE_MS = 1_000;
const RELEASE_TRIES = 100;
const RELEASE_PAUSE_MS = 50;

/**
 * Makes this process the only launcher of its run folder, until it ends. The lock is a name in the kernel (an abstract unix socket): it goes with the process
 * however that ends, so there is no stale lock. A launcher whose `npm start` was killed above it is ended, and what it started is taken over.
 */
export async function lockRunDir(runDir: string): Promise<void> {
  const name = `\0${basename(runDir)}-launcher`;
  const infoFile = join(runDir, 'launcher.json');
  const server = (await tryListen(name)) ?? ((await endOrphanedHolder(infoFile)) ? await listenOnceFree(name) : undefined);
  if (server === undefined)
    throw new LaunchError('Another Coppice is just starting or ending with this data folder. Nothing was started; try again in a moment.');
  server.unref();
  const self = identifyProcess(process.pid);
  await writeFile(infoFile, JSON.stringify({ launcher: self, ancestors: ancestorsUpToNpm(process.ppid) }));
}

/** The kernel frees the name a moment after the process is gone. */
async function listenOnceFree(name: string): Promise<Server | undefined> {
  for (let tries = 0; tries < RELEASE_TRIES; tries++) {
    const server = await tryListen(name);
    if (server !== undefined) return server;
    await pause(RELEASE_PAUSE_MS);
  }
  return undefined;
}

function tryListen(name: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(name, () => resolve(server));
  });
}

/** Whether there was a launcher without the npm that started it; it is ended. Throws if the holder is well. */
async function endOrphanedHolder(infoFile: string): Promise<boolean> {
  const holder = existsSync(infoFile) ? readHolder(readFileSync(infoFile, 'utf8')) : undefined;
  if (holder === undefined || !isSameProcess(holder.launcher)) return false;
  if (holder.ancestors.every(isSameProcess)) {
    throw new LaunchError(
      `Coppice already runs with this data folder (process ${holder.launcher.pid}). Nothing was started. ` +
        'Stop that one with Ctrl-C, or use another folder and ports: COPPICE_DATA_DIR, COPPICE_API_PORT, COPPICE_WEB_PORT.',
    );
  }
  say(`an earlier start was killed and left its launcher (process ${holder.launcher.pid}) behind: taking over`);
  // Not SIGTERM: an orderly stop would power off the guests, and all that it started can be taken over.
  await endProcess(holder.launcher, 'SIGKILL', TAKE_OVER_GRACE_MS);
  return true;
}

/** The processes from our parent up to npm; only the parent where npm is not among them. */
function ancestorsUpToNpm(parent: number): readonly ProcessIdentity[] {
  const chain: ProcessIdentity[] = [];
  for (let pid: number | undefined = parent; pid !== undefined && pid > 1 && chain.length < MAX_ANCESTORS; pid = parentOf(pid)) {
    const identity = identifyProcess(pid);
    if (identity === undefined) break;
    chain.push(identity);
    if (commandLineOf(pid)?.[0]?.startsWith('npm') === true) return chain;
  }
  return chain.slice(0, 1);
}

function readHolder(text: string): Holder | undefined {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || !('launcher' in value) || !('ancestors' in value)) return undefined;
  const ancestors = Array.isArray(value.ancestors) ? value.ancestors.filter(isIdentity) : [];
  return isIdentity(value.launcher) ? { launcher: value.launcher, ancestors } : undefined;
}

function isIdentity(value: unknown): value is ProcessIdentity {
  return typeof value === 'object' && value !== null && 'pid' in value && 'startTicks' in value && 'bootId' in value;
}
