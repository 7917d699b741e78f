import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { CommandProblem } from '../failure.js';
import { evidencePath } from './thaw-evidence.js';

const WATCHER = fileURLToPath(new URL('./thaw-watcher.js', import.meta.url));
/** It starts a Node and connects to libvirt: 0.2 s, more on a busy host. */
const READY_MS = 15_000;

/** Whose guest the watcher watches. */
export interface WatchRequest {
  readonly libvirtUri: string;
  readonly machineUuid: string;
  readonly commandId: string;
  readonly stateDir: string;
  readonly log: Logger;
}

/** The agent's end of a watcher: a process in a session of its own that thaws the guest when its deadline passes or this agent is gone. */
export class ThawWatcher {
  /** The watcher had to thaw: its deadline passed. */
  hasThawed = false;

  private constructor(
    private readonly child: ChildProcess,
    private readonly log: Logger,
  ) {
    child.stdout?.on('data', (data: Buffer) => {
      if (data.toString().includes('thawing')) this.hasThawed = true;
    });
    child.once('exit', (code, signal) => {
      if (code !== 0) this.log.error({ code, signal }, 'a thaw watcher did not end by itself');
    });
    // It may be gone by the time we write to it; that it exited is reported above.
    child.stdin?.on('error', (error) => this.log.debug({ err: error }, 'the thaw watcher took no more words'));
    child.unref();
  }

  /** Resolves once it is connected to libvirt: before that no freeze may be sent. Throws HOST_UNAVAILABLE. */
  static async start(request: WatchRequest): Promise<ThawWatcher> {
    const { libvirtUri, machineUuid, commandId, stateDir, log } = request;
    const argv = [WATCHER, libvirtUri, machineUuid, evidencePath(stateDir, commandId)];
    const child = spawn(process.execPath, argv, { detached: true, stdio: ['pipe', 'pipe', 'inherit'], cwd: '/' });
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`it was not ready within ${READY_MS} ms`)), READY_MS);
        child.once('error', reject);
        child.once('exit', (code) => reject(new Error(`it ended with code ${code ?? '-'}`)));
        child.stdout.once('data', () => resolve());
      });
    } catch (cause) {
      child.kill('SIGKILL');
      throw new CommandProblem({
        code: 'HOST_UNAVAILABLE',
        retryable: true,
        message: 'The process that would thaw the guest could not be started, so the guest was not frozen. Nothing was changed.',
        cause,
      });
    } finally {
      clearTimeout(timer);
    }
    return new ThawWatcher(child, log);
  }

  /** Undefined only for a process that was never there. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  /** From now on it thaws after so long, or when this process is gone. */
  arm(deadlineMs: number): void {
    this.child.stdin?.write(`arm ${deadlineMs}\n`);
  }

  /** The guest is thawed, or was never frozen: it ends without doing anything. */
  release(): void {
    this.child.stdin?.end('release\n');
  }

  /** It thaws now, and tries until the guest answers. */
  thawNow(): void {
    this.child.stdin?.end();
  }
}
