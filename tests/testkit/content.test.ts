import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '@coppice/lab';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { contentHash, discardRange, showsPattern, writePattern, writePatterns } from './content.js';

const MIB = 1024 * 1024;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'coppice-content-test-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function image(name: string, backing?: string): Promise<string> {
  const path = join(dir, name);
  const over = backing === undefined ? ['8M'] : [];
  const argv = ['create', '-q', '-f', 'qcow2', ...(backing === undefined ? [] : ['-F', 'qcow2', '-b', backing]), path, ...over];
  await runProgram('qemu-img', argv, { deadlineMs: 20_000 });
  return path;
}

it('two layers have one sum exactly if they show the same bytes', async () => {
  const base = await image('base.qcow2');
  const empty = await contentHash(base);
  await writePatterns(base, [
    { offset: 0, length: MIB, byte: 1 },
    { offset: 3 * MIB, length: 512, byte: 2 },
  ]);
  const before = await contentHash(base);
  expect(before).not.toBe(empty);
  const head = await image('head.qcow2', base);
  expect(await contentHash(head)).toBe(before);
  await writePattern(head, { offset: 4096, length: 4096, byte: 7 });
  expect(await contentHash(head)).not.toBe(before);
  expect(await contentHash(base)).toBe(before);
  await writePattern(head, { offset: 4096, length: 4096, byte: 1 });
  expect(await contentHash(head)).toBe(before);
  await discardRange(head, 0, 8 * MIB);
  expect(await contentHash(head)).toBe(empty);
});

it('says whether a layer shows a pattern, and fails for an image that is not there', async () => {
  const path = await image('pattern.qcow2');
  await writePattern(path, { offset: MIB, length: MIB, byte: 0xaa });
  expect(await showsPattern(path, { offset: MIB, length: MIB, byte: 0xaa })).toBe(true);
  expect(await showsPattern(path, { offset: MIB - 512, length: 1024, byte: 0xaa })).toBe(false);
  await expect(showsPattern(join(dir, 'nothing.qcow2'), { offset: 0, length: 512, byte: 0 })).rejects.toThrow();
  await expect(writePattern(join(dir, 'nothing.qcow2'), { offset: 0, length: 512, byte: 0 })).rejects.toThrow();
});
