import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { writeCpioArchive } from './cpio-archive.js';

it('writes what the format says: magic, name and content padded to four bytes, trailer', () => {
  const archive = writeCpioArchive([
    { path: 'bin', mode: 0o755 },
    { path: 'bin/x', mode: 0o755, content: Buffer.from('hello') },
  ]);
  expect(archive.length % 4).toBe(0);
  expect(archive.subarray(0, 6).toString()).toBe('070701');
  const second = archive.indexOf('070701', 6);
  expect(archive.subarray(second + 110, second + 116).toString()).toBe('bin/x\0');
  expect(archive.subarray(second + 116, second + 124).toString()).toBe('hello\0\0\0');
  expect(archive.includes('TRAILER!!!')).toBe(true);
});

it.skipIf(spawnSync('cpio', ['--version']).status !== 0)('is read by cpio', () => {
  const archive = writeCpioArchive([
    { path: 'a', mode: 0o755 },
    { path: 'a/b', mode: 0o644, content: Buffer.alloc(5) },
  ]);
  const listed = spawnSync('cpio', ['-it', '--quiet'], { input: archive });
  expect(listed.stdout.toString().trim().split('\n')).toEqual(['a', 'a/b']);
});
