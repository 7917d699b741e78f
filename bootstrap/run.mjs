import { spawn } from 'node:child_process';
import { ROOT, childEnvironment } from './paths.mjs';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** Kept of a quiet program's output, for the case that it fails. */
const MAX_KEPT_BYTES = 256 * 1024;

/** Runs a program in the root folder; resolves to its exit code (a signal counts as 1). `quiet`: its output is kept and printed only if it fails. */
export function run(file, argv, { quiet = false, env = {}, deadlineMs = 30 * 60_000 } = {}) {
  return new Promise((resolve) => {
    const stdio = quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'];
    const child = spawn(file, argv, { cwd: ROOT, env: { ...childEnvironment(), ...env }, stdio });
    const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
    let kept = '';
    const keep = (chunk) => {
      kept = (kept + chunk).slice(-MAX_KEPT_BYTES);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const forward = SIGNALS.map((signal) => [signal, () => child.kill(signal)]);
    for (const [signal, handler] of forward) process.on(signal, handler);
    const done = (code, text) => {
      clearTimeout(timer);
      for (const [signal, handler] of forward) process.off(signal, handler);
      if (code !== 0 && (kept !== '' || text !== '')) process.stderr.write(`${kept}${text}\n`);
      resolve(code);
    };
    child.on('error', (error) => done(127, `${file} could not be started: ${error.message}`));
    child.on('close', (code, signal) => done(code ?? 1, signal === null ? '' : `${file} was ended by ${signal}`));
  });
}

/** Runs a program and returns what it printed, whatever its exit code; '' if it cannot be started. */
export function outputOf(file, argv) {
  return new Promise((resolve) => {
    const child = spawn(file, argv, { cwd: ROOT, env: { ...process.env, LC_ALL: 'C' }, stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.on('error', () => resolve(''));
    child.on('close', () => resolve(text));
  });
}

/** Becomes another program as far as a process of Node 20 can: same terminal, signals passed on, same end. Never returns. */
export async function handOver(file, argv) {
  const child = spawn(file, argv, { cwd: ROOT, env: childEnvironment(), stdio: 'inherit' });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  const [code, signal] = await new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(`${file} could not be started: ${error.message}`);
      resolve([127, null]);
    });
    child.on('exit', (...end) => resolve(end));
  });
  if (signal !== null) {
    for (const name of SIGNALS) process.removeAllListeners(name);
    process.kill(process.pid, signal);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  process.exit(code ?? 1);
}
