/**
 * A qemu-storage-daemon of our own: works on images that no machine has open, and keeps QEMU's locks on them, so that no machine can be
 * started over them meanwhile. Lives no longer than the agent. Must never be given an image whose format was guessed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasErrorCode } from '../../failure.js';
import { commandLineOf, signalIfThere } from '../../other-processes.js';
import { QmpLost, QmpSocket } from './qmp-socket.js';

/** Longer than storage that is slow needs to open an image; a daemon that takes longer is given up. */
const COMMAND_DEADLINE_MS = 60_000;
/** A flush waits for storage: what was copied may lie in its caches. */
const FLUSH_DEADLINE_MS = 600_000;
const START_DEADLINE_MS = 20_000;
/** From SIGTERM to SIGKILL, and from that to giving up: a process that hangs in the kernel does not end. */
const END_GRACE_MS = 5_000;
const MAX_STDERR = 4096;

const COPY_FILE_NODE = 'copy-file';
/** The name of a new image inside the daemon. */
export const COPY_NODE = 'copy';
const COPY_OPTIONS = { 'node-name': COPY_NODE, driver: 'qcow2', file: COPY_FILE_NODE, backing: null };

/** One image of a chain, with its format. */
export interface ChainImage {
  readonly path: string;
  readonly format: string;
}

/** See the file's head. */
export class StorageDaemon {
  private readonly ended: Promise<void>;
  private errors = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly qmp: QmpSocket,
  ) {
    this.ended = new Promise((resolve) => {
      child.once('close', () => resolve());
      child.once('error', () => resolve());
    });
    child.stderr?.on('data', (data: Buffer) => {
      if (this.errors.length < MAX_STDERR) this.errors += data.toString('utf8');
    });
  }

  /** Starts one; `pidFile` is where the next agent finds it if this one dies. Throws QmpLost if it does not come up. */
  static async start(pidFile: string): Promise<StorageDaemon> {
    // The kernel ends it with us: an agent that was killed leaves no lock behind.
    const argv = ['--pdeathsig', 'TERM', 'qemu-storage-daemon', '--chardev', 'socket,id=qmp,fd=3', '--monitor', 'chardev=qmp'];
    const child = spawn('setpriv', [...argv, '--pidfile', pidFile], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    });
    const socket = child.stdio[3];
    if (!(socket instanceof Duplex)) throw new QmpLost('qemu-storage-daemon could not be given a socket');
    const daemon = new StorageDaemon(child, new QmpSocket(socket));
    try {
      await daemon.execute('qmp_capabilities', {}, START_DEADLINE_MS);
      return daemon;
    } catch (error) {
      await daemon.close();
      throw error;
    }
  }

  /** Throws QmpRefusal or QmpLost. */
  async execute(command: string, argument: Record<string, unknown> = {}, deadlineMs: number = COMMAND_DEADLINE_MS): Promise<unknown> {
    try {
      return await this.qmp.execute(command, argument, deadlineMs);
    } catch (error) {
      if (error instanceof QmpLost && this.errors !== '') throw new QmpLost(`${error.message} (${this.errors.trim()})`, { cause: error });
      throw error;
    }
  }

  /** Opens a chain, head first, as nodes `layer0`, `layer1`, …; only `writable` is opened for writing. */
  async openChain(images: readonly ChainImage[], writable: number): Promise<void> {
    for (let index = images.length - 1; index >= 0; index -= 1) {
      const image = images[index];
      if (image === undefined) continue;
      const shared = { 'read-only': index !== writable, discard: 'unmap' };
      await this.execute('blockdev-add', { 'node-name': fileNode(index), driver: 'file', filename: image.path, ...shared });
      await this.execute('blockdev-add', { ...shared, ...layerOptions(image, index, index + 1 < images.length ? index + 1 : null) });
    }
  }

  /** Opens a new image without backing for writing, as node COPY_NODE. */
  async openCopy(path: string): Promise<void> {
    await this.execute('blockdev-add', { 'node-name': COPY_FILE_NODE, driver: 'file', filename: path, discard: 'unmap' });
    await this.execute('blockdev-add', { ...COPY_OPTIONS, discard: 'unmap' });
  }

  /** Brings everything that was written to the new image into its file. */
  async settleCopy(): Promise<void> {
    await this.reopen({ ...COPY_OPTIONS, 'read-only': true });
  }

  /** Opens a layer for writing again: a job that is done has left it read-only. `backing`: the layer it is over now. */
  async unlock(image: ChainImage, index: number, backing: number | null): Promise<void> {
    await this.reopen({ ...layerOptions(image, index, backing), 'read-only': false });
  }

  /** Brings everything that was written to a layer into its file, and opens it read-only from then on. */
  async settle(image: ChainImage, index: number, backing: number | null): Promise<void> {
    await this.reopen({ ...layerOptions(image, index, backing), 'read-only': true });
  }

  private async reopen(options: Record<string, unknown>): Promise<void> {
    await this.execute('blockdev-reopen', { options: [{ ...options, discard: 'unmap' }] }, FLUSH_DEADLINE_MS);
  }

  /** Ends it, jobs included; what they wrote stays. Never throws. */
  async close(): Promise<void> {
    const hasEnded = this.ended.then(() => true);
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      this.child.kill(signal);
      if (await Promise.race([hasEnded, sleep(END_GRACE_MS, false, { ref: false })])) return;
    }
  }
}

/** The name of a chain's layer inside the daemon. */
export function layerNode(index: number): string {
  return `layer${index}`;
}

function fileNode(index: number): string {
  return `file${index}`;
}

function layerOptions({ format }: ChainImage, index: number, backing: number | null): Record<string, unknown> {
  const options = { 'node-name': layerNode(index), driver: format, file: fileNode(index) };
  return format === 'raw' ? options : { ...options, backing: backing === null ? null : layerNode(backing) };
}

/** Ends the daemon that an agent before us left, if it lives: it would hold the locks of its images. */
export async function endLeftDaemon(pidFile: string): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const deadline = performance.now() + END_GRACE_MS;
    for (let isFirst = true; ; isFirst = false) {
      const pid = await pidOf(pidFile);
      if (pid === null) return rm(pidFile, { force: true });
      if (isFirst) signalIfThere(pid, signal);
      if (performance.now() > deadline) break;
      await sleep(20);
    }
  }
}

/** Null if no process of that number has this very file in its command line. */
async function pidOf(pidFile: string): Promise<number | null> {
  try {
    const pid = Number((await readFile(pidFile, 'latin1')).trim());
    if (!Number.isInteger(pid) || pid <= 1) return null;
    return commandLineOf(pid).includes(pidFile) ? pid : null;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return null;
    throw error;
  }
}
