import { appendFileSync, closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { boundLogs } from './bounded-logs.js';

it('moves a log that is too long aside, and its writer goes on at the new end', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'coppice-logs-'));
  try {
    const log = openSync(join(dir, 'api.log'), 'a');
    writeSync(log, 'x'.repeat(100));
    appendFileSync(join(dir, 'web.log'), 'short');
    await boundLogs([dir], 50);
    writeSync(log, 'more');
    closeSync(log);
    expect(await readFile(join(dir, 'api.log'), 'utf8')).toBe('more');
    expect(await readFile(join(dir, 'api.log.1'), 'utf8')).toBe('x'.repeat(100));
    expect(await readFile(join(dir, 'web.log'), 'utf8')).toBe('short');
  } finally {
    await rm(dir, { recursive: true });
  }
});
