import { badInput } from './request-errors.js';

/** Longest keyword or name in a filter, in characters; names are no longer either. */
const MAX_FILTER_TEXT = 128;
/** Most ids in a filter: as many as a page has elements. */
const MAX_FILTER_IDS = 100;

/** A filter's text, or null where it does not filter. Throws BAD_USER_INPUT beyond the bound. */
export function filterText(name: string, text: string | null | undefined): string | null {
  if (text === null || text === undefined || text === '') return null;
  if (text.length > MAX_FILTER_TEXT)
    throw badInput(`${name} has ${text.length} characters; at most ${MAX_FILTER_TEXT} can be searched for.`);
  // PostgreSQL has no NUL in text: nothing is named so, and nothing may break on it.
  return text.replaceAll('\0', '\uFFFD');
}

/** A filter's list, or null where it does not filter. Throws BAD_USER_INPUT beyond the bound. */
export function filterList<T>(name: string, list: readonly T[] | null | undefined): readonly T[] | null {
  if (list === null || list === undefined) return null;
  if (list.length > MAX_FILTER_IDS)
    throw badInput(`${name} has ${list.length} elements; at most ${MAX_FILTER_IDS} can be asked for at once.`);
  return list;
}
