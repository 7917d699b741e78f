import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { endProcess, identifyProcess, type ProcessIdentity } from '@coppice/lab';
import { findOwnProcesses, MARK } from './own-processes.js';
import { LaunchError } from './progress.js';

const REPLACE_GRACE_MS = 5_000;

/** One of our own Node programs. `env` is added to the launcher's environment. */
export interface NodeProgram {
  readonly name: string;
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly cwd: string;
  readonly runDir: string;
}

/** Starts one of our Node programs, detached and with its output appended to its log. Ends what an earlier launcher left of it first. */
export async function startNodeProgram(program: NodeProgram): Promise<ProcessIdentity> {
  await endLeftOvers(program);
  const { [MARK]: _mark, ...inherited } = process.env;
  const env = { ...inherited, ...program.env, NODE_ENV: 'production', [MARK]: `${program.runDir}#${program.name}` };
  return startLogged({
    file: process.execPath,
    argv: ['--enable-source-maps', program.script],
    env,
    logFile: program.logFile,
    cwd: program.cwd,
  });
}

/** Ends the processes that a killed launcher left of this program. */
export async function endLeftOvers(program: Pick<NodeProgram, 'name' | 'script' | 'runDir'>): Promise<void> {
  const found = findOwnProcesses(program.runDir, program);
  await Promise.all(found.map((identity) => endProcess(identity, 'SIGTERM', REPLACE_GRACE_MS)));
}

/** What to start, and the file that gets its output. */
export interface LoggedCommand {
  readonly file: string;
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  readonly cwd: string;
}

/** Starts a program in a session of its own: Ctrl-C at the terminal reaches the launcher alone, which stops everything in the right order. */
export async function startLogged(command: LoggedCommand): Promise<ProcessIdentity> {
  const log = openSync(command.logFile, 'a', 0o600);
  try {
    const child = spawn(command.file, command.argv, { detached: true, stdio: ['ignore', log, log], env: command.env, cwd: command.cwd });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', () => resolve());
      child.once('error', reject);
    });
    child.unref();
    const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
    if (identity === undefined) throw new LaunchError(`${command.file} ended at once; its log is ${command.logFile}`);
    return identity;
  } finally {
    closeSync(log);
  }
}
