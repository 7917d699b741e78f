import { spawn } from 'node:child_process';
import { expect, it } from 'vitest';
import { commandLineOf, endProcess, identifyProcess, isSameProcess, parseStat } from './process-identity.js';

it('reads state and start time behind a program name with blanks and brackets', () => {
  const fields = Array.from({ length: 19 }, (_, index) => String(index + 4));
  expect(parseStat(`42 (a) b (c)) S ${fields.join(' ')}`)).toEqual({ state: 'S', startTicks: '22' });
});

it('knows a process from another one that got its pid later', () => {
  const own = identifyProcess(process.pid);
  expect(own).toBeDefined();
  if (own === undefined) return;
  expect(isSameProcess(own)).toBe(true);
  expect(isSameProcess({ ...own, startTicks: '1' })).toBe(false);
  expect(isSameProcess({ ...own, bootId: 'before' })).toBe(false);
});

it('ends a process that ignores SIGTERM, and is content if it is gone already', async () => {
  const child = spawn('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 0.05; done']);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const identity = identifyProcess(child.pid ?? 0);
  if (identity === undefined) throw new Error('the child did not start');
  expect(commandLineOf(identity.pid)?.[0]).toBe('sh');
  await endProcess(identity, 'SIGTERM', 100);
  expect(isSameProcess(identity)).toBe(false);
  await endProcess(identity, 'SIGTERM', 100);
});
