/** Set: tests that go through every point of a list take all of it, which is an hour; else as many as they say. */
const EVERY_CASE_VARIABLE = 'COPPICE_EVERY_CASE';

/** `most` of the cases of a test, spread over the list with its first and its last (0: none); all of them with COPPICE_EVERY_CASE=1. */
export function someOf<T>(cases: readonly T[], most: number): T[] {
  if (process.env[EVERY_CASE_VARIABLE] === '1' || cases.length <= most) return [...cases];
  if (most === 1) return cases.slice(0, 1);
  const chosen = Array.from({ length: most }, (_, at) => Math.round((at * (cases.length - 1)) / (most - 1)));
  return cases.filter((_case, index) => chosen.includes(index));
}
