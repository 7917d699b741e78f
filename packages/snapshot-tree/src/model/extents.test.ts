import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, decodeExtents, encodeExtents, type Extents, extentsFrom, subtract, unionOf } from './extents.js';

const SIZE = 40;
const bits = fc.array(fc.boolean(), { minLength: SIZE, maxLength: SIZE });

function extentsOf(cells: readonly boolean[]): Extents {
  return extentsFrom(cells.flatMap((isData, index) => (isData ? [[index, index + 1] as const] : [])));
}

function cellsOf(extents: Extents): boolean[] {
  return Array.from({ length: SIZE }, (_, index) => extents.some(([start, end]) => start <= index && index < end));
}

describe('extents', () => {
  it('joins what touches or overlaps, in any order', () => {
    const ranges: [number, number][] = [
      [10, 20],
      [0, 5],
      [20, 30],
      [4, 6],
      [7, 7],
    ];
    expect(extentsFrom(ranges)).toEqual([
      [0, 6],
      [10, 30],
    ]);
    expect(() => extentsFrom([[5, 4]])).toThrow('not a range');
  });

  it('are sets: union, difference and size agree with cells one by one', () => {
    fc.assert(
      fc.property(bits, bits, (a, b) => {
        const [left, right] = [extentsOf(a), extentsOf(b)];
        expect(cellsOf(unionOf(left, right))).toEqual(a.map((cell, index) => cell || (b[index] ?? false)));
        expect(cellsOf(subtract(left, right))).toEqual(a.map((cell, index) => cell && !b[index]));
        expect(bytesOf(left)).toBe(a.filter(Boolean).length);
        expect(subtract(left, right)).toEqual(extentsFrom(subtract(left, right)));
      }),
    );
  });

  it('come back from text as they were, also past 4 GiB', () => {
    const positions = fc.uniqueArray(fc.nat(Number.MAX_SAFE_INTEGER), { maxLength: 20 });
    fc.assert(
      fc.property(positions, (unsorted) => {
        const sorted = unsorted.toSorted((a, b) => a - b);
        const extents = sorted.flatMap((start, index) => {
          const end = sorted[index + 1];
          return index % 2 === 0 && end !== undefined ? [[start, end] as const] : [];
        });
        expect(decodeExtents(encodeExtents(extents))).toEqual(extents);
      }),
    );
    expect(encodeExtents([])).toBe('');
    expect(encodeExtents([[0, 65536]])).toBe('AICABA==');
  });

  it.each([
    ['not base64', '*'],
    ['a number cut off', btoa('\u0080')],
    ['half a range', btoa('\u0001')],
    ['an empty range', btoa('\u0001\u0000')],
    ['a number that no file reaches', btoa('\u00ff'.repeat(9))],
  ])('refuses %s', (_name, text) => {
    expect(() => decodeExtents(text)).toThrow(RangeError);
  });
});
