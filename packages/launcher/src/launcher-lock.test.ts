import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lockRunDir } from './launcher-lock.js';

let runDir: string;

beforeAll(async () => {
  runDir = await mkdtemp(join(tmpdir(), 'coppice-lock-'));
});
afterAll(() => rm(runDir, { recursive: true, force: true }));

it('goes with the process that held it, however that ends', async () => {
  const name = `\\0${basename(runDir)}-launcher`;
  const holder = spawn(process.execPath, ['-e', `require('net').createServer().listen('${name}', () => console.log('held'))`]);
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  await expect(lockRunDir(runDir)).rejects.toThrow('Nothing was started');
  holder.kill('SIGKILL');
  await new Promise((resolve) => holder.once('exit', resolve));
  await lockRunDir(runDir);
});

it('refuses a second launcher while the first and what started it are alive', async () => {
  await expect(lockRunDir(runDir)).rejects.toThrow(`already runs with this data folder (process ${process.pid})`);
});
