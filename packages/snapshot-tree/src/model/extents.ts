/**
 * Extents: which bytes of an image hold data, as QEMU's `data: true` ranges at depth 0 (domain.md, Delete: depth alone counts holes).
 * The map of a frozen layer never changes, so it is measured once and kept.
 */

/** Byte ranges [start, end), sorted, disjoint and not touching one another. */
export type Extents = readonly (readonly [start: number, end: number])[];

/** No data at all. */
export const NO_EXTENTS: Extents = [];

/** Bytes of data in all ranges together. */
export function bytesOf(extents: Extents): number {
  return extents.reduce((sum, [start, end]) => sum + (end - start), 0);
}

/** Sorts ranges in any order, joins those that touch and drops empty ones. Throws for a range that is no range of bytes. */
export function extentsFrom(ranges: Iterable<readonly [start: number, end: number]>): Extents {
  const sorted = [...ranges].filter(([start, end]) => start !== end).toSorted((a, b) => a[0] - b[0]);
  const joined: [number, number][] = [];
  for (const [start, end] of sorted) {
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start) {
      throw new RangeError(`[${start}, ${end}) is not a range of bytes`);
    }
    const last = joined.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else joined.push([start, end]);
  }
  return joined;
}

/** What is data in one or the other. Takes time in proportion to the ranges of both. */
export function unionOf(a: Extents, b: Extents): Extents {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const joined: [number, number][] = [];
  let [left, right] = [0, 0];
  while (left < a.length || right < b.length) {
    const [one, other] = [a[left], b[right]];
    const isLeft = one !== undefined && (other === undefined || one[0] <= other[0]);
    const next = isLeft ? one : other;
    if (next === undefined) break;
    if (isLeft) left += 1;
    else right += 1;
    const last = joined.at(-1);
    if (last && next[0] <= last[1]) last[1] = Math.max(last[1], next[1]);
    else joined.push([next[0], next[1]]);
  }
  return joined;
}

/** What is data in `from` and not in `removed`. */
export function subtract(from: Extents, removed: Extents): Extents {
  if (from.length === 0 || removed.length === 0) return from;
  const left: [number, number][] = [];
  let at = 0;
  for (const [start, end] of from) {
    let next = start;
    while ((removed[at]?.[1] ?? Number.POSITIVE_INFINITY) <= next) at += 1;
    for (let cut = at; next < end; cut += 1) {
      const [cutStart, cutEnd] = removed[cut] ?? [end, end];
      if (cutStart >= end) break;
      if (cutStart > next) left.push([next, cutStart]);
      next = Math.max(next, cutEnd);
    }
    if (next < end) left.push([next, end]);
  }
  return left;
}

/** Longest text that decodeExtents reads, in characters: a million ranges of a fragmented disk, with room. */
export const MAX_ENCODED_EXTENTS = 16 * 1024 * 1024;

/** As base64 of varints: the hole before each range, then its length. About 6 characters a range; '' for none. */
export function encodeExtents(extents: Extents): string {
  const parts: string[] = [];
  let at = 0;
  for (const [start, end] of extents) {
    parts.push(varint(start - at), varint(end - start));
    at = end;
  }
  return btoa(parts.join(''));
}

/** The reverse of encodeExtents. Throws RangeError for text that it did not make. */
export function decodeExtents(text: string): Extents {
  if (text.length > MAX_ENCODED_EXTENTS) throw new RangeError(`a map of ${text.length} characters is longer than ${MAX_ENCODED_EXTENTS}`);
  const numbers = readVarints(binaryOf(text));
  if (numbers.length % 2 !== 0) throw new RangeError('a map of extents ends in the middle of a range');
  const extents: [number, number][] = [];
  let at = 0;
  for (let index = 0; index < numbers.length; index += 2) {
    const start = at + (numbers[index] ?? 0);
    at = start + (numbers[index + 1] ?? 0);
    if (!Number.isSafeInteger(at) || at === start || extents.at(-1)?.[1] === start)
      throw new RangeError('a map of extents is not in order');
    extents.push([start, at]);
  }
  return extents;
}

function binaryOf(text: string): string {
  try {
    return atob(text);
  } catch (cause) {
    throw new RangeError('a map of extents is not base64', { cause });
  }
}

/** LEB128 by division: sizes go past 32 bits. */
function varint(value: number): string {
  let bytes = '';
  let rest = value;
  while (rest >= 128) {
    bytes += String.fromCharCode((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return bytes + String.fromCharCode(rest);
}

function readVarints(binary: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let scale = 1;
  for (let index = 0; index < binary.length; index += 1) {
    const byte = binary.charCodeAt(index);
    value += (byte % 128) * scale;
    scale *= 128;
    if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('a map of extents names a byte that no file has');
    if (byte >= 128) continue;
    numbers.push(value);
    value = 0;
    scale = 1;
  }
  if (scale !== 1) throw new RangeError('a map of extents ends in the middle of a number');
  return numbers;
}
