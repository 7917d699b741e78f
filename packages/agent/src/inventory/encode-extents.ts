/** A range of a layer that holds data of its own, in bytes. */
export interface DataRange {
  readonly start: number;
  readonly length: number;
}

/** The protocol's bound of a data map, in characters of base64. */
export const MAX_DATA_MAP_CHARACTERS = 512 * 1024;

/**
 * The ranges as the protocol's `dataMap`: base64 of unsigned LEB128 varints, in pairs (gap since the end of the range before, length), in
 * bytes. Where that is longer than `maxCharacters`, the smallest gaps are closed until it fits: it then says too much, never too little.
 * `ranges` ascend and do not overlap.
 */
export function encodeExtents(ranges: readonly DataRange[], maxCharacters: number = MAX_DATA_MAP_CHARACTERS): string {
  const maxBytes = Math.floor(maxCharacters / 4) * 3;
  let kept = joinedWhere(ranges, (gap) => gap === 0);
  for (;;) {
    const bytes = pairsOf(kept);
    if (bytes.length <= maxBytes || kept.length <= 1) return Buffer.from(bytes).toString('base64');
    const bytesPerPair = bytes.length / kept.length;
    kept = coarsened(kept, Math.max(1, Math.floor(maxBytes / bytesPerPair)));
  }
}

/** At most `maxRanges` of them, with the smallest gaps closed; of gaps alike, some all over the disk. */
export function coarsened(ranges: readonly DataRange[], maxRanges: number): DataRange[] {
  const surplus = ranges.length - Math.max(1, maxRanges);
  if (surplus <= 0) return [...ranges];
  const gaps = ranges
    .slice(1)
    .map((range, index) => ({ before: range, bytes: range.start - endOf(ranges[index]), order: scattered(index) }));
  const smallest = gaps.toSorted((a, b) => a.bytes - b.bytes || a.order - b.order).slice(0, surplus);
  const closed = new Set(smallest.map(({ before }) => before));
  return joinedWhere(ranges, (_gap, before) => closed.has(before));
}

/** A number that follows no pattern of the index. The factor is 2^32 over the golden ratio. */
function scattered(index: number): number {
  return (index * 2_654_435_761) % 2 ** 32;
}

/** A range that is to be joined to the one before it becomes one with it. */
function joinedWhere(ranges: readonly DataRange[], isJoined: (gap: number, range: DataRange) => boolean): DataRange[] {
  const result: DataRange[] = [];
  for (const range of ranges) {
    const last = result.at(-1);
    if (last === undefined || !isJoined(range.start - endOf(last), range)) result.push(range);
    else result[result.length - 1] = { start: last.start, length: range.start + range.length - last.start };
  }
  return result;
}

function endOf(range: DataRange | undefined): number {
  return range === undefined ? 0 : range.start + range.length;
}

function pairsOf(ranges: readonly DataRange[]): number[] {
  const bytes: number[] = [];
  let end = 0;
  for (const range of ranges) {
    pushVarint(bytes, range.start - end);
    pushVarint(bytes, range.length);
    end = endOf(range);
  }
  return bytes;
}

/** Arithmetic, not bits: lengths go beyond 32. */
function pushVarint(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}
