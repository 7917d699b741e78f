import { spawn } from 'node:child_process';

/** Output kept of each stream, in bytes; the rest is read and dropped, so a talkative program cannot fill our memory. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

/** How a program is run. `deadlineMs` is from start to exit; at its end the program gets SIGKILL. */
export interface ProgramOptions {
  readonly deadlineMs: number;
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** What a finished program printed. */
export interface ProgramOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** A program could not be started, ran past its deadline, or ended with another exit code than 0. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
  readonly stderr: string;

  constructor(command: readonly string[], reason: string, stderr: string) {
    super(`${command.join(' ')}: ${reason}${stderr === '' ? '' : `: ${stderr.trim().slice(0, 2000)}`}`);
    this.stderr = stderr;
  }
}

/** Runs one program with an argument array (never a shell) in the C locale. Throws ProgramError unless it exits with 0 in time. */
export function runProgram(file: string, argv: readonly string[], options: ProgramOptions): Promise<ProgramOutput> {
  const command = [file, ...argv];
  return new Promise((resolve, reject) => {
    const child = spawn(file, argv, {
      env: { ...process.env, LC_ALL: 'C', ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      // No terminal: its Ctrl-C is for who runs us, who ends things in order; and virsh would look for a polkit agent there.
      detached: true,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, options.deadlineMs);
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    // A program that does not read its input closes the pipe; its exit code says whether that mattered.
    child.stdin.on('error', () => child.stdin.destroy());
    child.stdin.end(options.input ?? '');
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new ProgramError(command, error.message, ''));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) return resolve({ stdout: stdout(), stderr: stderr() });
      const reason = isLate ? `not finished after ${options.deadlineMs} ms, killed` : `ended with ${signal ?? `exit code ${code}`}`;
      reject(new ProgramError(command, reason, stderr()));
    });
  });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    if (bytes < MAX_OUTPUT_BYTES) chunks.push(chunk);
    bytes += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}
