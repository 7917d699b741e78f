import { existsSync, readFileSync } from 'node:fs';
import { endProcess, isSameProcess, type ProcessIdentity } from '@coppice/lab';
import { nextPauseMs } from './back-off.js';
import { messageOf, pause, say } from './progress.js';

const LOOK_EVERY_MS = 250;
const LOG_TAIL_CHARACTERS = 2_000;

/** Something that shall always run. `start` starts it, or takes over what runs already, and returns once there is a process. */
export interface SupervisedProgram {
  readonly name: string;
  readonly start: () => Promise<ProcessIdentity>;
  readonly stopSignal?: NodeJS.Signals;
  /** From the stop signal to SIGKILL. */
  readonly stopGraceMs: number;
  readonly logFile: string;
}

/**
 * Keeps one program running: a process that is gone is started again after a pause that grows while it keeps dying (back-off.ts).
 * It looks at the process table instead of waiting for a child's exit, because what was taken over is nobody's child.
 */
export class Supervised {
  private identity: ProcessIdentity | undefined;
  private readonly stopping = new AbortController();
  private restartCount = 0;
  private starting: Promise<void> = Promise.resolve();
  private watching: Promise<void> = Promise.resolve();

  constructor(private readonly program: SupervisedProgram) {}

  get name(): string {
    return this.program.name;
  }

  /** How often it had to be started again. */
  get restarts(): number {
    return this.restartCount;
  }

  /** The end of its log, and where the rest is: for people, when it does not do what it should. */
  logTail(): string {
    const { logFile } = this.program;
    const text = existsSync(logFile) ? readFileSync(logFile, 'utf8').slice(-LOG_TAIL_CHARACTERS) : '';
    return `${text.slice(text.indexOf('\n') + 1)}(log: ${logFile})`;
  }

  get isRunning(): boolean {
    return this.identity !== undefined && isSameProcess(this.identity);
  }

  /** Starts it for the first time and watches it from then on. A failure of this first start is thrown, not tried again. */
  async start(): Promise<void> {
    this.starting = this.startAndWatch();
    await this.starting;
  }

  /** Ends the watch, then the process: its stop signal, SIGKILL after the grace time. A start that is under way is waited for. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.allSettled([this.starting]);
    await this.watching;
    if (this.identity !== undefined) await endProcess(this.identity, this.program.stopSignal ?? 'SIGTERM', this.program.stopGraceMs);
  }

  private async startAndWatch(): Promise<void> {
    this.identity = await this.program.start();
    this.watching = this.watch(performance.now());
  }

  private async watch(startedMs: number): Promise<void> {
    const { signal } = this.stopping;
    let lastPauseMs = 0;
    let sinceMs = startedMs;
    while (!signal.aborted) {
      await pause(LOOK_EVERY_MS, signal);
      if (signal.aborted || this.isRunning) continue;
      lastPauseMs = nextPauseMs(lastPauseMs, performance.now() - sinceMs);
      say(`${this.name} ended; starting it again in ${lastPauseMs / 1000} s (log: ${this.program.logFile})`);
      await pause(lastPauseMs, signal);
      if (signal.aborted) return;
      sinceMs = performance.now();
      this.restartCount += 1;
      await this.startAgain();
    }
  }

  private async startAgain(): Promise<void> {
    try {
      this.identity = await this.program.start();
      say(`${this.name} runs again (process ${this.identity.pid})`);
    } catch (error) {
      // The watch sees that nothing runs and tries again after a longer pause.
      say(`${this.name} could not be started: ${messageOf(error)}`);
    }
  }
}
