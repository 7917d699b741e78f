import { describe, expect, it } from 'vitest';
import { formatAgo, formatBytes, formatCount, formatDuration, formatEnum } from './format';

describe('bytes', () => {
  it.each([
    [0, '0 B'],
    [512, '512 B'],
    [1024, '1 KiB'],
    [196_608, '192 KiB'],
    [1_572_864, '1.5 MiB'],
    [12_897_484, '12.3 MiB'],
    [2 ** 30 - 1, '1024 MiB'],
    [2 ** 30, '1 GiB'],
    [107_374_182_400, '100 GiB'],
    [2 ** 50 * 3, '3 PiB'],
  ])('%d reads %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('durations', () => {
  it.each([
    [-5, '0 ms'],
    [240, '240 ms'],
    [3_200, '3.2 s'],
    [60_000, '1 min'],
    [250_000, '4 min 10 s'],
    [7_500_000, '2 h 5 min'],
    [273_600_000, '3 d 4 h'],
  ])('%d ms reads %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('times ago', () => {
  const now = new Date('2026-11-21T12:00:00Z');
  it.each([
    ['2026-11-21T12:00:04Z', 'just now'],
    ['2026-11-21T11:59:20Z', '40 s ago'],
    ['2026-11-21T11:01:00Z', '59 min ago'],
    ['2026-11-20T13:00:00Z', '23 h ago'],
    ['2026-11-20T11:00:00Z', 'yesterday'],
    ['2026-11-09T12:00:00Z', '12 days ago'],
  ])('%s reads %s', (at, text) => {
    expect(formatAgo(new Date(at), now)).toBe(text);
  });
});

describe('words', () => {
  it('counts with the right noun', () => {
    expect([formatCount(1, 'disk'), formatCount(0, 'disk'), formatCount(2, 'disk')]).toEqual(['1 disk', '0 disks', '2 disks']);
  });
  it('reads enum values', () => {
    expect(formatEnum('DISK_AND_MEMORY')).toBe('Disk and memory');
  });
});
