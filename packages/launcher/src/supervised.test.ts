import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identifyProcess, isSameProcess } from '@coppice/lab';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startLogged } from './logged-process.js';
import { findOwnProcesses, MARK, parentOf } from './own-processes.js';
import { waitUntil } from './progress.js';
import { Supervised } from './supervised.js';

let dir: string;
let program: Supervised;
let pids: number[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'coppice-supervised-'));
  pids = [];
  const logFile = join(dir, 'sleeper.log');
  const start = async () => {
    const env = { ...process.env, [MARK]: `${dir}#sleeper` };
    const identity = await startLogged({
      file: 'sh',
      argv: ['-c', 'echo up; while :; do sleep 0.1; done', 'sleeper-script'],
      env,
      logFile,
      cwd: dir,
    });
    pids.push(identity.pid);
    return identity;
  };
  program = new Supervised({ name: 'sleeper', start, stopGraceMs: 2_000, logFile });
});

afterEach(async () => {
  await program.stop();
  await rm(dir, { recursive: true, force: true });
});

it('starts a program again that was killed, and leaves nothing behind when it stops', async () => {
  const logIs = async (text: string): Promise<boolean> => (await readFile(join(dir, 'sleeper.log'), 'utf8')) === text;
  await program.start();
  await waitUntil(() => logIs('up\n'), { deadlineMs: 120_000, everyMs: 20, late: () => 'the first process said nothing' });
  process.kill(pids[0] ?? 0, 'SIGKILL');
  await waitUntil(async () => pids.length === 2, { deadlineMs: 120_000, everyMs: 20, late: () => 'not started again' });
  const second = identifyProcess(pids[1] ?? 0);
  if (second === undefined) throw new Error('the second process is not there');
  // Its log is one file over both lives.
  await waitUntil(() => logIs('up\nup\n'), { deadlineMs: 120_000, everyMs: 20, late: () => 'the log does not hold both lines' });
  await program.stop();
  expect(isSameProcess(second)).toBe(false);
});

it('finds what it started by mark and script, and nothing else', async () => {
  await program.start();
  expect(findOwnProcesses(dir, { name: 'sleeper', script: 'sleeper-script' }).map(({ pid }) => pid)).toEqual(pids);
  // Its child `sleep` carries the mark as well, but is another program.
  expect(findOwnProcesses(dir, { name: 'sleeper', script: 'other-script' })).toEqual([]);
  expect(findOwnProcesses(dir, { name: 'other', script: 'sleeper-script' })).toEqual([]);
  expect(parentOf(pids[0] ?? 0)).toBe(process.pid);
});
