import { expect, it } from 'vitest';
import { coarsened, type DataRange, encodeExtents } from './encode-extents.js';

/** Reads a data map as the protocol describes it. */
function decode(text: string): DataRange[] {
  const bytes = Buffer.from(text, 'base64');
  const numbers: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    let value = 0;
    let factor = 1;
    for (let more = true; more; at += 1) {
      const byte = bytes[at] ?? 0;
      value += (byte % 128) * factor;
      factor *= 128;
      more = byte >= 128;
    }
    numbers.push(value);
  }
  const ranges: DataRange[] = [];
  let end = 0;
  for (let index = 0; index + 1 < numbers.length; index += 2) {
    const start = end + (numbers[index] ?? 0);
    const length = numbers[index + 1] ?? 0;
    ranges.push({ start, length });
    end = start + length;
  }
  return ranges;
}

it('writes unsigned LEB128 pairs of gap and length', () => {
  expect([...Buffer.from(encodeExtents([{ start: 3, length: 300 }]), 'base64')]).toEqual([3, 0xac, 0x02]);
  expect(encodeExtents([])).toBe('');
});

it('keeps every byte, also beyond 32 bits, and joins what touches', () => {
  const ranges = [
    { start: 0, length: 65_536 },
    { start: 65_536, length: 65_536 },
    { start: 2 ** 44, length: 2 ** 43 },
  ];
  expect(decode(encodeExtents(ranges))).toEqual([
    { start: 0, length: 131_072 },
    { start: 2 ** 44, length: 2 ** 43 },
  ]);
});

it('closes the smallest gaps until it fits, and loses no data', () => {
  const ranges = Array.from({ length: 1000 }, (_unused, index) => ({
    start: index * 1_000_000 + (index % 2) * 900_000,
    length: 65_536,
  }));
  const text = encodeExtents(ranges, 2000);
  expect(text.length).toBeLessThanOrEqual(2000);
  const coarse = decode(text);
  expect(coarse.length).toBeGreaterThan(150);
  const isCovered = (range: DataRange) =>
    coarse.some(({ start, length }) => start <= range.start && range.start + range.length <= start + length);
  expect(ranges.every(isCovered)).toBe(true);
  expect(coarsened(ranges, 10).length).toBeLessThanOrEqual(10);
});
