import { badInput } from './request-errors.js';

/** The contract: `first` is 25 unless told and 100 at most. */
export const DEFAULT_PAGE_SIZE = 25;
export const MAX_PAGE_SIZE = 100;

/** Part of a list that is wanted: `take` elements behind the one with the key `after`; null: from the start. */
export type PageRequest = { take: number; after: string | null };

/** What a read store answers: one element more than `take` where there is more, and how to count all. */
export type Slice<T> = { rows: T[]; count: () => Promise<number> };

/** A Relay connection, ready to be resolved. totalCount is only computed where it is asked for. */
export type Connection<T> = {
  edges: { cursor: string; node: T }[];
  nodes: T[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
  totalCount: () => Promise<number>;
};

/** Checks `first`. Throws BAD_USER_INPUT beyond the bounds. */
export function pageSize(first: number | null | undefined): number {
  if (first === null || first === undefined) return DEFAULT_PAGE_SIZE;
  if (first < 0 || first > MAX_PAGE_SIZE)
    throw badInput(`first is ${first}; it can be 0 to ${MAX_PAGE_SIZE}. Ask for the rest by \`after\`.`);
  return first;
}

const PREFIX = 'after:';
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Reads `first` and `after` of a list that is ordered by id. Throws BAD_USER_INPUT for a cursor of something else. */
export function pageRequest(first: number | null | undefined, after: string | null | undefined): PageRequest {
  const take = pageSize(first);
  if (after === null || after === undefined) return { take, after: null };
  const text = Buffer.from(after, 'base64url').toString();
  const key = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : '';
  if (!UUID.test(key)) throw badInput('after is not a cursor of this list. Take endCursor of the page before, or leave it out to begin.');
  return { take, after: key };
}

/** The connection of a slice that is ordered by id. */
export function connectionOf<T extends { id: string }>(slice: Slice<T>, page: PageRequest): Connection<T> {
  return connectionWith(slice, page, (row) => Buffer.from(`${PREFIX}${row.id}`).toString('base64url'));
}

/** The connection of a slice whose elements say their own cursor. */
export function connectionWith<T>(slice: Slice<T>, page: { take: number; after: unknown }, cursorOf: (row: T) => string): Connection<T> {
  const nodes = slice.rows.slice(0, page.take);
  const edges = nodes.map((node) => ({ cursor: cursorOf(node), node }));
  return {
    edges,
    nodes,
    pageInfo: {
      hasNextPage: slice.rows.length > page.take,
      hasPreviousPage: page.after !== null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
    totalCount: slice.count,
  };
}

/** The connection of a list that is in memory already and ordered by id. */
export function connectionOfList<T extends { id: string }>(list: readonly T[], page: PageRequest): Connection<T> {
  const from = page.after === null ? 0 : list.findIndex((row) => row.id === page.after) + 1;
  return connectionOf({ rows: list.slice(from, from + page.take + 1), count: async () => list.length }, page);
}
