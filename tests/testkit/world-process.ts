import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { endProcess, identifyProcess, isSameProcess, type ProcessIdentity } from '@coppice/lab';
import { note } from './ledger.js';
import { Hopeless, waitUntil } from './wait-until.js';

const GRACE_MS = 15_000;
const LOG_TAIL = 4000;

/** How to start one of our processes: a Node program with its environment. Its output goes to `logPath`. */
export interface ProcessRecipe {
  readonly name: string;
  readonly mainPath: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logPath: string;
  readonly ledgerPath: string;
}

/** One process of a world (an API replica, an agent, the web server): started, killed, paused and started again by its identity. */
export class WorldProcess {
  readonly recipe: ProcessRecipe;
  private identity: ProcessIdentity | undefined;

  constructor(recipe: ProcessRecipe) {
    this.recipe = recipe;
  }

  /** Starts it; does not wait until it is ready. `env` is added for this start only. */
  start(env: Readonly<Record<string, string>> = {}): void {
    if (this.isRunning()) throw new Error(`${this.recipe.name} runs already`);
    const log = openSync(this.recipe.logPath, 'a');
    const child = spawn(process.execPath, [this.recipe.mainPath], {
      env: { ...cleanEnvironment(), ...this.recipe.env, ...env },
      stdio: ['ignore', log, log],
      detached: true,
      cwd: '/',
    });
    closeSync(log);
    child.on('error', () => child.unref());
    child.unref();
    this.identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
    if (this.identity !== undefined) note(this.recipe.ledgerPath, { kind: 'process', process: this.identity });
  }

  isRunning(): boolean {
    return this.identity !== undefined && isSameProcess(this.identity);
  }

  /** Throws if it was never started. */
  get pid(): number {
    if (this.identity === undefined) throw new Error(`${this.recipe.name} was not started`);
    return this.identity.pid;
  }

  /** Throws Hopeless with the end of its log if it has ended by itself. */
  mustRun(): void {
    if (!this.isRunning()) throw new Hopeless(`${this.recipe.name} has ended: ${this.logTail()}`);
  }

  /** Ends it and waits until it is gone: SIGKILL as a fault would, SIGTERM as an administrator would. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (this.identity !== undefined) await endProcess(this.identity, signal, GRACE_MS);
  }

  /** SIGSTOP: it keeps its sockets and does nothing. */
  pause(): void {
    this.signal('SIGSTOP');
  }

  resume(): void {
    this.signal('SIGCONT');
  }

  /** Waits until it has ended by itself, for example at a crash point. */
  async hasEnded(deadlineMs?: number): Promise<void> {
    await waitUntil(`${this.recipe.name} to end by itself`, () => !this.isRunning(), deadlineMs === undefined ? {} : { deadlineMs });
  }

  /** The end of what it has logged, for the message of a failed test. */
  logTail(): string {
    return readFileSync(this.recipe.logPath, 'utf8').slice(-LOG_TAIL);
  }

  private signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (this.identity === undefined || !isSameProcess(this.identity)) throw new Error(`${this.recipe.name} does not run`);
    process.kill(this.identity.pid, signal);
  }
}

/** vitest's own settings (NODE_OPTIONS, VITEST, …) and those of the developer's shell must not reach the product. */
function cleanEnvironment(): Record<string, string> {
  const kept = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'TZ'];
  return Object.fromEntries(kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name] ?? '']])));
}
