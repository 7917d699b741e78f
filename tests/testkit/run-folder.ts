import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { identifyProcess } from '@coppice/lab';
import { note } from './ledger.js';

/** Below the range from which the kernel takes ports for outgoing connections, so that a stopped API finds its port free again. */
const FIRST_PORT = 20_000;
const PORTS = 10_000;

/** The folder of this test run, made by global-setup.ts. Everything that tests write lies in it, sockets excepted. */
export function runFolder(): string {
  const path = process.env['COPPICE_TEST_RUN_DIR'];
  if (path === undefined)
    throw new Error('COPPICE_TEST_RUN_DIR is not set: run the tests by the vitest.config.ts at the top, whose global setup sets it');
  return path;
}

let isNoted = false;

/** The ledger of this run, see ledger.ts. Who asks for it is about to start something, and is noted itself. */
export function runLedger(): string {
  const path = join(runFolder(), 'ledger.jsonl');
  const identity = isNoted ? undefined : identifyProcess(process.pid);
  if (identity !== undefined) note(path, { kind: 'worker', process: identity });
  isNoted = true;
  return path;
}

/** A folder name for sockets that is short (unix socket paths end at 107 characters) and of nobody else. */
export function newSocketFolder(): string {
  const path = `/run/coppice-${randomBytes(4).toString('hex')}`;
  mkdirSync(path, { mode: 0o700 });
  return path;
}

/** A TCP port on 127.0.0.1 that no other test of this run is given and on which nobody listens now. */
export async function takePort(): Promise<number> {
  const dir = join(runFolder(), 'ports');
  mkdirSync(dir, { recursive: true });
  const start = FIRST_PORT + Math.floor(Math.random() * PORTS);
  for (let offset = 0; offset < PORTS; offset += 1) {
    const port = FIRST_PORT + ((start - FIRST_PORT + offset) % PORTS);
    if (reserve(join(dir, String(port))) && !(await isListening(port))) return port;
  }
  throw new Error('no free TCP port between 20000 and 30000');
}

function reserve(path: string): boolean {
  try {
    closeSync(openSync(path, 'wx'));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
