import { spawn } from 'node:child_process';

/** More than this no program has to say to us; the rest is cut off. */
const MAX_OUTPUT_BYTES = 1024 * 1024;

/** How a program ended. `exitCode` is null if it was killed by a signal, also by our deadline. */
export interface ProgramEnd {
  readonly exitCode: number | null;
  readonly hasTimedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one program with an argument list (no shell), in the C locale, for at most `deadlineMs`. Throws if it cannot be started. */
export function runProgram(file: string, argv: readonly string[], deadlineMs: number): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...argv], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
    const output = { stdout: '', stderr: '' };
    const collect = (name: 'stdout' | 'stderr') => (data: Buffer) => {
      if (output[name].length < MAX_OUTPUT_BYTES) output[name] += data.toString('utf8');
    };
    child.stdout.on('data', collect('stdout'));
    child.stderr.on('data', collect('stderr'));
    // A process that hangs in the kernel does not die of SIGKILL; we answer all the same.
    const deadline = setTimeout(() => {
      child.kill('SIGKILL');
      resolve({ exitCode: null, hasTimedOut: true, ...output });
    }, deadlineMs);
    child.once('error', (error) => {
      clearTimeout(deadline);
      reject(error);
    });
    child.once('close', (exitCode) => {
      clearTimeout(deadline);
      resolve({ exitCode, hasTimedOut: false, ...output });
    });
  });
}
