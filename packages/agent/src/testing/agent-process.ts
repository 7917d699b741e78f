import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runProgram } from '@coppice/lab';
import { CRASH_VARIABLE, type CrashPoint } from '../crash-points.js';
import { CONFIG_FILE_VARIABLE } from '../config.js';
import { until } from './until.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** The built agent as a process of its own. */
export class AgentProcess {
  private child: ChildProcess | null = null;

  constructor(
    private readonly configPath: string,
    private readonly logPath: string,
  ) {}

  /** `crashAt`: where it kills itself. `more`: of its environment. */
  start(crashAt?: CrashPoint, more: Record<string, string> = {}): void {
    const log = openSync(this.logPath, 'a');
    const env = { ...process.env, [CONFIG_FILE_VARIABLE]: this.configPath, [CRASH_VARIABLE]: crashAt ?? '', ...more };
    this.child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', log, log] });
    closeSync(log);
  }

  get pid(): number {
    return this.child?.pid ?? -1;
  }

  /** The process that talks to libvirt for it. */
  get libvirtChild(): number {
    const tasks = `/proc/${this.pid}/task`;
    const pids = readdirSync(tasks).flatMap((task) => readFileSync(`${tasks}/${task}/children`, 'utf8').trim().split(' '));
    const found = pids.map(Number).find((pid) => pid > 1);
    if (found === undefined) throw new Error('the agent has no libvirt child');
    return found;
  }

  get hasEnded(): boolean {
    return this.child === null || this.child.exitCode !== null || this.child.signalCode !== null;
  }

  get exitCode(): number | null {
    return this.child?.exitCode ?? null;
  }

  get log(): string {
    return readFileSync(this.logPath, 'utf8');
  }

  /** Runs what the unit runs after the agent's end. */
  async thawOnly(): Promise<void> {
    await runProgram(process.execPath, [MAIN, '--thaw'], { deadlineMs: 30_000, env: { [CONFIG_FILE_VARIABLE]: this.configPath } });
  }

  /** Waits for an end that comes by itself. */
  async ended(): Promise<void> {
    await until('the end of the agent', () => this.hasEnded, 60_000);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.hasEnded) this.child?.kill(signal);
    await this.ended();
  }
}
